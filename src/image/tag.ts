import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import type { Platform } from '../oci/platform.ts'
import { canonicalName, parseReference } from '../oci/reference.ts'
import { findImage } from './find-image.ts'
import { recordImageEvent } from './image-event.ts'
import { nameImages } from './name-images.ts'
import type { ImageStores } from './stores.ts'

/**
 * Give an image one more name; a name that is taken moves.
 *
 * @returns  the canonical new name
 * @throws   NOT_FOUND, INVALID_ARGUMENT
 */
export function tagImage(
  stores: ImageStores,
  source: string,
  name: string,
  platform: Platform,
): string {
  const reference = parseReference(name)
  if (reference.digest !== undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `${name}: a digest cannot be given to an image`)
  }
  const canonical = canonicalName(reference)
  // In one transaction, so that gc finds the image under one of its names.
  writeTransaction(stores.database, () => {
    const { target } = findImage(stores, source, platform)
    nameImages(stores, [{ target, references: [reference] }])
    recordImageEvent(stores, 'tag', target.digest, canonical)
  })
  return canonical
}
