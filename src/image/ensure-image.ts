import { TsctrError } from '../errors.ts'
import type { Platform } from '../oci/platform.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import { findWholeImage, type WholeImage } from './find-whole-image.ts'
import type { OnProgress } from './progress.ts'
import { pullImage } from './pull.ts'
import type { PullPolicy } from './pull-policy.ts'
import type { ImageStores } from './stores.ts'
import { isUnpacked, unpackLocal } from './unpack-local.ts'

export interface EnsureImageRequest {
  /** A name, an id or a start of one, as typed. */
  readonly reference: string
  readonly platform: Platform
  readonly policy: PullPolicy
  /** Called before a pull of what is not here, with the name as docker shows it. */
  readonly onPull?: ((familiarName: string) => void) | undefined
  /** Transfers at once. */
  readonly maxDownloads?: number | undefined
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Have an image ready for a container: here, whole and unpacked.
 *
 * @throws  NOT_FOUND if it is not here and is not to be pulled; as pullImage
 */
export async function ensureImage(
  stores: ImageStores,
  request: EnsureImageRequest,
): Promise<WholeImage> {
  if (request.policy === 'always') return pullForUse(stores, request)
  const found = findWholeImage(stores, request.reference, request.platform)
  if (request.policy === 'newer') {
    try {
      return await pullForUse(stores, request)
    } catch (error) {
      const isOver = found === undefined || request.signal?.aborted === true
      if (isOver || !(error instanceof TsctrError)) throw error
    }
  }
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

async function pullForUse(stores: ImageStores, request: EnsureImageRequest): Promise<WholeImage> {
  const reference = parseReference(request.reference)
  const pulled = await pullImage(stores, { ...request, reference, unpacks: true })
  return { name: pulled.name, local: pulled.image }
}
