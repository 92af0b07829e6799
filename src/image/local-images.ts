import { TsctrError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import {
  findLocalImage,
  type LocalImage,
  readDocument,
  readImage,
  type Target,
} from './read-image.ts'
import { maxIndexDepth } from './select-manifest.ts'
import type { ImageStores } from './stores.ts'

type Documents = Pick<ImageStores, 'content'>

/**
 * Every platform of an image that is here as far as its manifest and config, the wanted one first.
 * A document that is missing or damaged hides only what it leads to.
 */
export function localImages(stores: Documents, target: Target, wanted: Platform): LocalImage[] {
  const first = unlessBroken(() => findLocalImage(stores, target, wanted))
  const found = new Map<Digest, LocalImage>()
  if (first !== undefined) found.set(first.manifestDescriptor.digest, first)
  for (const descriptor of manifestsBelow(stores, target)) {
    if (found.has(descriptor.digest)) continue
    const image = unlessBroken(() => readImage(stores, descriptor, wanted))
    if (image !== undefined) found.set(descriptor.digest, { ...image, target })
  }
  return [...found.values()]
}

/** The platform of an image that listings show: the wanted one, else one that is here. */
export function shownImage(
  stores: Documents,
  target: Target,
  wanted: Platform,
): LocalImage | undefined {
  return localImages(stores, target, wanted)[0]
}

/** Manifests that are here. `seen` keeps an index that names one other a thousand times cheap. */
function manifestsBelow(
  stores: Documents,
  target: Target,
  seen = new Set<Digest>(),
  depth = 0,
): Target[] {
  if (seen.has(target.digest)) return []
  seen.add(target.digest)
  if (stores.content.stat(target.digest) === undefined) return []
  const document = unlessBroken(() => readDocument(stores, target))
  if (document === undefined) return []
  if (document.kind === 'manifest') return [target]
  if (depth === maxIndexDepth) return []
  return document.manifests.flatMap((entry) => manifestsBelow(stores, entry, seen, depth + 1))
}

/** undefined for what tsctr's own words refuse: missing, damaged, not an image. */
function unlessBroken<T>(read: () => T | undefined): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof TsctrError) return undefined
    throw error
  }
}
