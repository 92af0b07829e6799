import { hasCode } from '../errors.ts'
import type { Platform } from '../oci/platform.ts'
import { findImage } from './find-image.ts'
import { findLocalImage, type LocalImage } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { hasLayers, isUnpacked } from './unpack-local.ts'

export interface WholeImage {
  /** Canonical name it is known by. */
  readonly name: string
  readonly local: LocalImage
}

/**
 * An image with everything that a container of it needs, unpacked or not.
 *
 * @param text  a name, an id or a start of one, as typed
 */
export function findWholeImage(
  stores: ImageStores,
  text: string,
  platform: Platform,
): WholeImage | undefined {
  try {
    const { name, target } = findImage(stores, text, platform)
    const local = findLocalImage(stores, target, platform)
    if (local === undefined) return undefined
    return isUnpacked(stores, local) || hasLayers(stores, local) ? { name, local } : undefined
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
