import { hasCode, TsctrError } from '../errors.ts'
import { chainIDs } from '../oci/chain-id.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { ChainID } from '../oci/digest.ts'
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts'
import {
  type ImageIndex,
  type ImageManifest,
  maxConfigBytes,
  maxManifestBytes,
  parseImageDocument,
} from '../oci/image-manifest.ts'
import type { Platform } from '../oci/platform.ts'
import { choosePlatform } from './choose-platform.ts'
import type { ImageStores } from './stores.ts'

/** One platform of an image, read from blobs that are all here. */
export interface LocalImage {
  /** What the name points at: an index or a manifest. */
  readonly target: Target
  readonly manifestDescriptor: Target
  readonly manifest: ImageManifest
  readonly config: ImageConfig
  /** Names the snapshot of the topmost layer; undefined for an image without layers. */
  readonly chainID: ChainID | undefined
}

export type Target = Pick<Descriptor, 'mediaType' | 'digest' | 'sizeBytes'>

/** An index may hold indexes; deeper than this it is a cycle or an attack. */
export const maxIndexDepth = 8

type Documents = Pick<ImageStores, 'content'>

/**
 * Read an image as far as it is in the content store.
 *
 * @throws  NOT_FOUND if a document is missing, or the index has nothing for the platform
 */
export function readImage(stores: Documents, target: Target, platform: Platform): LocalImage {
  const found = resolveManifest(stores, target, platform)
  const what = `config ${found.manifest.config.digest}`
  const bytes = stores.content.readDocument(found.manifest.config.digest, maxConfigBytes)
  const config = parseImageConfig(bytes, what)
  const chain = config.diffIDs.length === 0 ? [] : chainIDs(config.diffIDs)
  return { target, ...found, config, chainID: chain.at(-1) }
}

/** As readImage, but undefined where something is missing. */
export function findLocalImage(
  stores: Documents,
  target: Target,
  platform: Platform,
): LocalImage | undefined {
  try {
    return readImage(stores, target, platform)
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/**
 * Walk from a target through indexes to the manifest for a platform.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT for indexes nested too deep (a cycle among them)
 */
export function resolveManifest(
  stores: Documents,
  target: Target,
  platform: Platform,
): { manifestDescriptor: Target; manifest: ImageManifest } {
  let descriptor = target
  for (let depth = 0; depth < maxIndexDepth; depth += 1) {
    const document = readDocument(stores, descriptor)
    if (document.kind === 'manifest') {
      return { manifestDescriptor: descriptor, manifest: document }
    }
    descriptor = choosePlatform(document.manifests, platform, `index ${descriptor.digest}`)
  }
  const message = `index ${target.digest}: nested deeper than ${maxIndexDepth}`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

/** An index or manifest from the content store. @throws NOT_FOUND, INVALID_ARGUMENT */
export function readDocument(stores: Documents, target: Target): ImageIndex | ImageManifest {
  const bytes = stores.content.readDocument(target.digest, maxManifestBytes)
  return parseImageDocument(bytes, target.mediaType, `manifest ${target.digest}`)
}
