import { readImageFacts } from '../image/image-facts.ts'
import type { ImageFilter } from '../image/image-filters.ts'
import { imageFilter, timeOf } from '../image/list-images.ts'
import type { Target } from '../image/read-image.ts'
import type { ImageStores } from '../image/stores.ts'
import { isIndex, isManifest } from '../oci/media-type.ts'
import { namelessReference } from '../oci/nameless.ts'
import type { Platform } from '../oci/platform.ts'
import { findReachable, namedTargets } from './reachable.ts'

/** Images that nothing names and that some filter does not take: they stay. */
export function findSpared(
  stores: Omit<ImageStores, 'registry'>,
  platform: Platform,
  filters: readonly ImageFilter[],
): Target[] {
  if (filters.length === 0) return []
  const reachable = findReachable(stores, namedTargets(stores.database))
  const passes = imageFilter(stores, platform, filters)
  const unnamed = stores.content.list().flatMap((blob) => {
    const { digest, sizeBytes, mediaType = '', createdAt: storedAt } = blob
    if (reachable.blobs.has(digest)) return []
    if (!isIndex(mediaType) && !isManifest(mediaType)) return []
    return [{ target: { digest, sizeBytes, mediaType }, storedAt }]
  })
  const targets = unnamed.map(({ target }) => target)
  const reader = readImageFacts(stores, targets, platform)
  return unnamed.flatMap(({ target, storedAt }) => {
    const facts = reader.shown(target)
    const createdAt = timeOf(facts?.created)
    const reference = namelessReference(target.digest)
    return passes({ reference, facts, createdAt, lastUsedAt: storedAt }) ? [] : [target]
  })
}
