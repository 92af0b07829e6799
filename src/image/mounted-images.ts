import { hasCode } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { canonicalName, parseReference } from '../oci/reference.ts'
import { type MountedView, mountedViews } from '../snapshot/mounted-views.ts'
import { findImage } from './find-image.ts'
import { readImageFacts } from './image-facts.ts'
import type { ImageStores } from './stores.ts'

/** Labels of a mounted view of an image. */
export const mountLabels = {
  name: 'image.name',
  config: 'image.config',
  target: 'image.target',
} as const

/** As listings know it: digest of the config of one platform, and what its name points at. */
export interface KnownImage {
  readonly id: Digest
  readonly target: { readonly digest: Digest }
}

/** Mounts of an image, of any of its platforms, that are there now. */
export function mountsOfImage(
  stores: Pick<ImageStores, 'snapshots'>,
  { id, target }: KnownImage,
): MountedView[] {
  return mountedViews(stores.snapshots).filter(
    ({ state, labels }) =>
      state !== 'stale' &&
      (labels[mountLabels.config] === id || labels[mountLabels.target] === target.digest),
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
    const { shown } = readImageFacts(stores, [target], platform)
    return mountsOfImage(stores, { id: shown(target)?.config ?? target.digest, target })
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
