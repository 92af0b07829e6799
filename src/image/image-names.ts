import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { type ImageRecord, listImages } from '../store/images.ts'
import { readImageFacts } from './image-facts.ts'
import type { ImageStores } from './stores.ts'

/** Every name of the image with this id: the digest of the config, or of the target without one. */
export function imageNames(
  stores: Pick<ImageStores, 'namespace' | 'database' | 'content'>,
  id: Digest,
  platform: Platform,
): ImageRecord[] {
  const all = listImages(stores.database, stores.namespace)
  const targets = all.map(({ target }) => target)
  const { shown } = readImageFacts(stores, targets, platform)
  return all.filter(({ target }) => (shown(target)?.config ?? target.digest) === id)
}
