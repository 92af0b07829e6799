import { hasCode } from '../errors.ts'
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
import { type Question, type SelectedManifest, selectManifest } from './select-manifest.ts'
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

type Documents = Pick<ImageStores, 'content'>

/**
 * Read an image as far as it is in the content store.
 *
 * @throws  NOT_FOUND if a document is missing, or the index has nothing for the platform; as
 *          selectManifest
 */
export function readImage(stores: Documents, target: Target, platform: Platform): LocalImage {
  return readSelected(stores, target, resolveManifest(stores, target, platform))
}

/** Read the rest of an image whose manifest is known. @throws NOT_FOUND if its config is missing */
export function readSelected(
  stores: Documents,
  target: Target,
  selected: SelectedManifest,
): LocalImage {
  const config = readConfig(stores, selected.manifest)
  const chain = config.diffIDs.length === 0 ? [] : chainIDs(config.diffIDs)
  return { target, ...selected, config, chainID: chain.at(-1) }
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

/** The manifest for a platform, from documents that are here. @throws as selectManifest */
function resolveManifest(stores: Documents, target: Target, platform: Platform): SelectedManifest {
  const selection = selectManifest(target, platform)
  let step = selection.next()
  while (step.done !== true) {
    try {
      step = selection.next(answer(stores, step.value))
    } catch (error) {
      step = selection.throw(error)
    }
  }
  return step.value
}

function answer(stores: Documents, question: Question): ImageIndex | ImageManifest | Platform {
  return question.kind === 'document'
    ? readDocument(stores, question.descriptor)
    : readConfig(stores, question.manifest).platform
}

/** A manifest's config. @throws NOT_FOUND, INVALID_ARGUMENT */
export function readConfig(stores: Documents, { config }: ImageManifest): ImageConfig {
  const bytes = stores.content.readDocument(config.digest, maxConfigBytes)
  return parseImageConfig(bytes, `config ${config.digest}`)
}

/** An index or manifest from the content store. @throws NOT_FOUND, INVALID_ARGUMENT */
export function readDocument(stores: Documents, target: Target): ImageIndex | ImageManifest {
  const bytes = stores.content.readDocument(target.digest, maxManifestBytes)
  return parseImageDocument(bytes, target.mediaType, `manifest ${target.digest}`)
}
