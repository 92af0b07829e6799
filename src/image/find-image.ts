import { TsctrError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import {
  canonicalName,
  parseReference,
  repositoryName,
  tryParseReference,
} from '../oci/reference.ts'
import { getImage, type ImageRecord, listImages } from '../store/images.ts'
import { readImageFacts } from './image-facts.ts'
import type { ImageStores } from './stores.ts'

type Local = Pick<ImageStores, 'database' | 'content' | 'namespace'>

/**
 * The names a user means: one by a reference; all that share a target by an id, which may be the
 * digest of the config (what `images` shows), of the manifest or of the index, or an unambiguous
 * start of one.
 *
 * @returns  one or more records of the same image
 * @throws   NOT_FOUND, INVALID_ARGUMENT if several images' ids start so
 */
export function findImages(stores: Local, text: string, platform: Platform): ImageRecord[] {
  const named = findByReference(stores, text)
  if (named !== undefined) return [named]
  const found = findById(stores, text, platform)
  if (found.length > 0) return found
  throw new TsctrError('NOT_FOUND', `image ${text}: no such image`, {
    hint: 'tsctr images lists those that are here',
  })
}

/** As findImages, for one who needs only the image itself. */
export function findImage(stores: Local, text: string, platform: Platform): ImageRecord {
  return findImages(stores, text, platform)[0] as ImageRecord
}

/** Whether the text is the image's own name, in whatever form, and not an id or a digest of it. */
export function isNameOf({ name }: ImageRecord, text: string): boolean {
  const reference = tryParseReference(text)
  return reference !== undefined && canonicalName(reference) === name
}

function findByReference(stores: Local, text: string): ImageRecord | undefined {
  const reference = tryParseReference(text)
  if (reference === undefined) return undefined
  const exact = getImage(stores.database, stores.namespace, canonicalName(reference))
  if (exact !== undefined || reference.digest === undefined) return exact
  // NAME@DIGEST also finds a tag of the same repository that points there.
  const { digest } = reference
  return listImages(stores.database, stores.namespace).find(
    (image) =>
      image.target.digest === digest &&
      repositoryName(parseReference(image.name)) === repositoryName(reference),
  )
}

function findById(stores: Local, text: string, platform: Platform): ImageRecord[] {
  const prefix = text.replace(/^sha256:/, '')
  if (!/^[0-9a-f]{2,64}$/.test(prefix)) return []
  const start = `sha256:${prefix}`
  const matches: { image: ImageRecord; matched: readonly Digest[]; shownId: Digest }[] = []
  const images = listImages(stores.database, stores.namespace)
  const targets = images.map(({ target }) => target)
  const reader = readImageFacts(stores, targets, platform)
  for (const image of images) {
    const platforms = reader.all(image.target)
    const ids = new Set(platforms.flatMap(({ config, manifest }) => [config, manifest]))
    const matched = [...ids.add(image.target.digest)].filter((id) => id.startsWith(start))
    const shownId = platforms[0]?.config ?? image.target.digest
    if (matched.length > 0) matches.push({ image, matched, shownId })
  }
  // A text that starts several ids is still clear where they are all of one image.
  const isClear =
    new Set(matches.flatMap(({ matched }) => matched)).size <= 1 ||
    new Set(matches.map(({ shownId }) => shownId)).size <= 1
  if (!isClear) {
    throw new TsctrError('INVALID_ARGUMENT', `image ${text}: several images' ids start so`)
  }
  return matches.map(({ image }) => image)
}
