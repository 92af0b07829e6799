import type { Digest } from '../oci/digest.ts'
import { isNameless } from '../oci/nameless.ts'
import type { Platform } from '../oci/platform.ts'
import {
  hasDefaultTag,
  parseReference,
  type Reference,
  repositoryName,
  tryParseReference,
} from '../oci/reference.ts'
import { type ImageRecord, listImages } from '../store/images.ts'
import { findImages, isNameOf } from './find-image.ts'
import type { Target } from './read-image.ts'
import type { ImageStores } from './stores.ts'

type Stores = Pick<ImageStores, 'namespace' | 'database' | 'content'>

export interface ImageToSave {
  readonly target: Target
  /** Names it is saved under: none where it was asked for by its id. */
  readonly references: readonly Reference[]
  /** As it was asked for, for messages. */
  readonly what: string
}

/**
 * The images that a user means, each once, in the order in which they are named first. A repository
 * without a tag means all its tags.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT as findImages
 * Source: docker save, moby image/tarexport parseNames
 */
export function imagesToSave(
  stores: Stores,
  { texts, preferred }: { readonly texts: readonly string[]; readonly preferred: Platform },
): ImageToSave[] {
  const images = new Map<Digest, { target: Target; what: string; names: Map<string, Reference> }>()
  for (const text of texts) {
    for (const { record, isNamed } of recordsOf(stores, text, preferred)) {
      const { target } = record
      const image = images.get(target.digest) ?? { target, what: `image ${text}`, names: new Map() }
      images.set(target.digest, image)
      const reference = parseReference(record.name)
      if (isNamed && !isNameless(reference)) image.names.set(record.name, reference)
    }
  }
  return [...images.values()].map(({ target, what, names }) => ({
    target,
    what,
    references: [...names.values()],
  }))
}

function recordsOf(
  stores: Stores,
  text: string,
  preferred: Platform,
): { record: ImageRecord; isNamed: boolean }[] {
  const tags = tagsOf(stores, text)
  if (tags.length > 0) return tags.map((record) => ({ record, isNamed: true }))
  const [found] = findImages(stores, text, preferred)
  if (found === undefined) throw new Error('bug: no image was found, and no error')
  return [{ record: found, isNamed: isNameOf(found, text) }]
}

function tagsOf(stores: Stores, text: string): ImageRecord[] {
  const asked = tryParseReference(text)
  if (asked === undefined || !hasDefaultTag(text)) return []
  return listImages(stores.database, stores.namespace)
    .filter(({ name }) => {
      const reference = parseReference(name)
      return reference.tag !== undefined && repositoryName(reference) === repositoryName(asked)
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
