import { hasCode } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { canonicalName, parseReference } from '../oci/reference.ts'
import { type MountedView, mountedViews } from '../snapshot/mounted-views.ts'
import { findImage } from './find-image.ts'
import { readImageFacts } from './image-facts.ts'
import type { ImageStores } from './stores.ts'

/** Labels of a mounted view of an image. */
export const mountLabels = { name: 'image.name', config: 'image.config' } as const

/** Mounts of the image with this id that are there now. */
export function mountsOfImage(stores: Pick<ImageStores, 'snapshots'>, id: Digest): MountedView[] {
  return mountedViews(stores.snapshots).filter(
    ({ state, labels }) => state !== 'stale' && labels[mountLabels.config] === id,
  )
}

/** Mounts of the image that a user means; it may have lost its name since. */
export function mountsNamed(
  stores: Pick<ImageStores, 'snapshots' | 'database' | 'content' | 'namespace'>,
  text: string,
  platform: Platform,
): MountedView[] {
  try {
    const { target } = findImage(stores, text, platform)
    const id = readImageFacts(stores, [target], platform).shown(target)?.config
    if (id !== undefined) return mountsOfImage(stores, id)
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
  }
  try {
    const name = canonicalName(parseReference(text))
    return mountedViews(stores.snapshots).filter(({ labels }) => labels[mountLabels.name] === name)
  } catch (error) {
    if (hasCode(error, 'INVALID_ARGUMENT')) return []
    throw error
  }
}
