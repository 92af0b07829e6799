import { hasCode } from '../errors.ts'
import { createLease } from '../store/leases.ts'
import type { OnProgress } from './progress.ts'
import type { LocalImage } from './read-image.ts'
import type { ImageStores } from './stores.ts'

/** Whether every layer of an image is a committed snapshot. */
export function isUnpacked(stores: Pick<ImageStores, 'snapshots'>, image: LocalImage): boolean {
  if (image.chainID === undefined) return true
  try {
    // A snapshot cannot go before its children: where the top one is, all are.
    stores.snapshots.stat(image.chainID)
    return true
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return false
    throw error
  }
}

/** Whether the blobs of all layers are here, so that the image can be unpacked without a registry. */
export function hasLayers(stores: Pick<ImageStores, 'content'>, image: LocalImage): boolean {
  return image.manifest.layersBaseFirst.every(
    ({ digest }) => stores.content.stat(digest) !== undefined,
  )
}

/**
 * Unpack an image whose blobs are all here: one pulled without unpacking.
 *
 * @throws  as unpackImage
 */
export async function unpackLocal(
  stores: ImageStores,
  image: LocalImage,
  options: {
    readonly onProgress?: OnProgress | undefined
    readonly signal?: AbortSignal | undefined
  },
): Promise<void> {
  const { manifest } = image
  const lease = createLease(stores.database, `unpack ${image.target.digest}`)
  try {
    const blobs = [
      image.target,
      image.manifestDescriptor,
      manifest.config,
      ...manifest.layersBaseFirst,
    ]
    lease.hold('blob', ...blobs.map(({ digest }) => digest))
    const layersReady = manifest.layersBaseFirst.map(() => Promise.resolve('present' as const))
    // It brings all that reads layers, and `run` seldom needs it.
    const { unpackImage } = await import('./unpack.ts')
    await unpackImage(stores, { image, layersReady, lease, ...options })
  } finally {
    lease.release()
  }
}
