import { hasCode, TsctrError } from '../errors.ts'
import type { Platform } from '../oci/platform.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import type { ImageRecord } from '../store/images.ts'
import { createLease } from '../store/leases.ts'
import { findImage } from './find-image.ts'
import type { OnProgress } from './progress.ts'
import { pullImage } from './pull.ts'
import { findLocalImage, type LocalImage } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { unpackImage } from './unpack.ts'

export interface EnsureRequest {
  /** As typed: a reference, or an id of a local image. */
  readonly reference: string
  readonly platform: Platform
  readonly policy: 'always' | 'missing' | 'never'
  /** Called with the familiar name before an image that is not here is pulled. */
  readonly onPull?: ((name: string) => void) | undefined
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

export interface EnsuredImage {
  readonly name: string
  readonly local: LocalImage
}

/**
 * An image that is here, whole and unpacked: pulled if it is missing, unpacked again if only its
 * layers are here.
 *
 * @throws  NOT_FOUND with policy `never`, and what pullImage throws
 */
export async function ensureImage(
  stores: ImageStores,
  request: EnsureRequest,
): Promise<EnsuredImage> {
  const known = request.policy === 'always' ? undefined : await findKnown(stores, request)
  if (known !== undefined) return known
  const reference = parseReference(request.reference)
  if (request.policy === 'never') {
    throw new TsctrError(
      'NOT_FOUND',
      `image ${request.reference}: not here, and not to be pulled`,
      {
        hint: `tsctr pull ${request.reference}`,
      },
    )
  }
  if (request.policy === 'missing') request.onPull?.(familiarName(reference))
  const { name, image } = await pullImage(stores, {
    reference,
    platform: request.platform,
    unpacks: true,
    onProgress: request.onProgress,
    signal: request.signal,
  })
  return { name, local: image }
}

async function findKnown(
  stores: ImageStores,
  request: EnsureRequest,
): Promise<EnsuredImage | undefined> {
  const record = findRecord(stores, request)
  if (record === undefined) return undefined
  const local = findLocalImage(stores, record.target, request.platform)
  if (local === undefined) return undefined
  if (local.chainID === undefined || hasSnapshot(stores, local.chainID)) {
    return { name: record.name, local }
  }
  const isWhole = local.manifest.layersBaseFirst.every(
    ({ digest }) => stores.content.stat(digest) !== undefined,
  )
  if (!isWhole) return undefined
  const lease = createLease(stores.database, `unpack ${record.name}`)
  try {
    await unpackImage(stores, {
      image: local,
      layersReady: local.manifest.layersBaseFirst.map(() => Promise.resolve()),
      lease,
      onProgress: request.onProgress,
      signal: request.signal,
    })
  } finally {
    lease.release()
  }
  return { name: record.name, local }
}

function findRecord(stores: ImageStores, request: EnsureRequest): ImageRecord | undefined {
  try {
    return findImage(stores, request.reference, request.platform)
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

function hasSnapshot(stores: ImageStores, key: string): boolean {
  try {
    stores.snapshots.stat(key)
    return true
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return false
    throw error
  }
}
