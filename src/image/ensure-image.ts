import { hasCode, TsctrError } from '../errors.ts'
import type { Platform } from '../oci/platform.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import { findImage } from './find-image.ts'
import type { OnProgress } from './progress.ts'
import { pullImage } from './pull.ts'
import { findLocalImage, type LocalImage } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { hasLayers, isUnpacked, unpackLocal } from './unpack-local.ts'

export interface EnsureImageRequest {
  /** A name, an id or a start of one, as typed. */
  readonly reference: string
  readonly platform: Platform
  /** When to ask the registry: for what is not here, each time, or not at all. */
  readonly policy: 'missing' | 'always' | 'never'
  /** Called before a pull of what is not here, with the name as docker shows it. */
  readonly onPull?: ((familiarName: string) => void) | undefined
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

export interface EnsuredImage {
  /** Canonical name it is known by. */
  readonly name: string
  readonly local: LocalImage
}

/**
 * Have an image ready for a container: here, whole and unpacked.
 *
 * @throws  NOT_FOUND if it is not here and is not to be pulled; as pullImage
 */
export async function ensureImage(
  stores: ImageStores,
  request: EnsureImageRequest,
): Promise<EnsuredImage> {
  if (request.policy === 'always') return pullForUse(stores, request)
  const found = findWhole(stores, request)
  if (found !== undefined) {
    if (!isUnpacked(stores, found.local)) await unpackLocal(stores, found.local, request)
    return found
  }
  const reference = parseReference(request.reference)
  if (request.policy === 'never') {
    throw new TsctrError('NOT_FOUND', `image ${familiarName(reference)}: not here`, {
      hint: `tsctr pull ${request.reference}, or --pull missing`,
    })
  }
  request.onPull?.(familiarName(reference))
  return pullForUse(stores, request)
}

async function pullForUse(stores: ImageStores, request: EnsureImageRequest): Promise<EnsuredImage> {
  const { platform, onProgress, signal } = request
  const reference = parseReference(request.reference)
  const pulled = await pullImage(stores, { reference, platform, unpacks: true, onProgress, signal })
  return { name: pulled.name, local: pulled.image }
}

/** The image with everything that a container of it needs, unpacked or not. */
function findWhole(stores: ImageStores, request: EnsureImageRequest): EnsuredImage | undefined {
  try {
    const { name, target } = findImage(stores, request.reference, request.platform)
    const local = findLocalImage(stores, target, request.platform)
    if (local === undefined) return undefined
    return isUnpacked(stores, local) || hasLayers(stores, local) ? { name, local } : undefined
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
