import { TsctrError } from '../errors.ts'
import type { Platform } from '../oci/platform.ts'
import { canonicalName, parseReference, repositoryName } from '../oci/reference.ts'
import { getImage, type ImageRecord, listImages } from '../store/images.ts'
import { findLocalImage } from './read-image.ts'
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
    hint: `tsctr pull ${text}`,
  })
}

/** As findImages, for one who needs only the image itself. */
export function findImage(stores: Local, text: string, platform: Platform): ImageRecord {
  return findImages(stores, text, platform)[0] as ImageRecord
}

function findByReference(stores: Local, text: string): ImageRecord | undefined {
  const reference = tryParse(text)
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
  const matches = new Map<string, ImageRecord[]>()
  for (const image of listImages(stores.database, stores.namespace)) {
    const local = findLocalImage(stores, image.target, platform)
    const ids = [
      image.target.digest,
      ...(local === undefined
        ? []
        : [local.manifestDescriptor.digest, local.manifest.config.digest]),
    ]
    if (!ids.some((id) => id.startsWith(start))) continue
    const key = local?.manifest.config.digest ?? image.target.digest
    matches.set(key, [...(matches.get(key) ?? []), image])
  }
  if (matches.size > 1) {
    throw new TsctrError('INVALID_ARGUMENT', `image ${text}: several images' ids start so`)
  }
  return [...matches.values()].flat()
}

function tryParse(text: string): ReturnType<typeof parseReference> | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (error instanceof TsctrError) return undefined
    throw error
  }
}
