import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { type ImageRecord, listImages } from '../store/images.ts'
import { shownImage } from './local-images.ts'
import type { Target } from './read-image.ts'
import type { ImageStores } from './stores.ts'

/** The id that listings show: digest of the config, or of the target where no config is here. */
export function imageId(
  stores: Pick<ImageStores, 'content'>,
  target: Target,
  platform: Platform,
): Digest {
  return shownImage(stores, target, platform)?.manifest.config.digest ?? target.digest
}

/** Every name of the image with this id. */
export function imageNames(
  stores: Pick<ImageStores, 'namespace' | 'database' | 'content'>,
  id: Digest,
  platform: Platform,
): ImageRecord[] {
  const all = listImages(stores.database, stores.namespace)
  return all.filter(({ target }) => imageId(stores, target, platform) === id)
}
