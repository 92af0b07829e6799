import type { Platform } from '../oci/platform.ts'
import { createLease } from '../store/leases.ts'
import { changedPaths, type PathChange } from './changed-paths.ts'
import { findImage } from './find-image.ts'
import { readImage } from './read-image.ts'
import { changesBetween } from './snapshot-changes.ts'
import { openSnapshotView } from './snapshot-view.ts'
import type { ImageStores } from './stores.ts'
import { isUnpacked, unpackLocal } from './unpack-local.ts'

/**
 * What one image has and another has not, sorted by path. Layers that both have are not looked
 * into; files of other layers are compared byte for byte.
 *
 * @param images  as typed, the earlier first
 * @throws        NOT_FOUND for an image that is not here; as unpackImage
 */
export async function compareImages(
  stores: ImageStores,
  images: readonly [before: string, after: string],
  options: { readonly platform: Platform; readonly signal?: AbortSignal | undefined },
): Promise<PathChange[]> {
  const { platform, signal } = options
  const lease = createLease(stores.database, `diff ${images.join(' ')}`)
  try {
    const found = images.map((text) => {
      const image = readImage(stores, findImage(stores, text, platform).target, platform)
      if (image.chainID !== undefined) lease.hold('snapshot', image.chainID)
      return image
    })
    for (const image of found) {
      if (!isUnpacked(stores, image)) await unpackLocal(stores, image, { signal })
    }
    const [before, after] = found.map(({ chainID }) => openSnapshotView(stores, chainID))
    return changedPaths(changesBetween(before, after))
  } finally {
    lease.release()
  }
}
