import { TsctrError } from '../errors.ts'
import type { Descriptor } from './descriptor.ts'
import { parseDigest } from './digest.ts'
import {
  asObject,
  field,
  type JsonObject,
  optionalArray,
  optionalString,
  optionalStringList,
  optionalStringMap,
  parseJsonObject,
} from './json-document.ts'
import { isImageConfig, isIndex, isLayer, isManifest, mediaTypes } from './media-type.ts'
import type { Platform } from './platform.ts'

/** Largest manifest or index that is read. Source: containerd's MaxManifestSize, rounded */
export const maxManifestBytes = 4 * 1024 * 1024
/** Largest image config that is read. */
export const maxConfigBytes = 8 * 1024 * 1024

const maxLayers = 500

export interface ImageIndex {
  readonly kind: 'index'
  readonly mediaType: string
  /** In the document's order, which decides between equal matches. */
  readonly manifests: readonly Descriptor[]
}

export interface ImageManifest {
  readonly kind: 'manifest'
  readonly mediaType: string
  readonly config: Descriptor
  readonly layersBaseFirst: readonly Descriptor[]
}

/**
 * Read an index or a manifest.
 *
 * @param declaredMediaType  from the Content-Type or the descriptor; the document's own mediaType
 *                           must agree with it
 * @throws  UNSUPPORTED for schema 1 and for artifacts, INVALID_ARGUMENT for anything malformed, a
 *          document that is both an index and a manifest among it
 * Source: OCI image-spec §manifest.md, §image-index.md; CVE-2021-41190
 */
export function parseImageDocument(
  bytes: Buffer,
  declaredMediaType: string,
  what: string,
): ImageIndex | ImageManifest {
  const document = parseJsonObject(bytes, what)
  const mediaType = agreedMediaType(document, declaredMediaType, what)
  checkKind(document, mediaType, what)
  if (isIndex(mediaType)) {
    return { kind: 'index', mediaType, manifests: indexEntries(document, what) }
  }
  return parseManifest(document, mediaType, what)
}

/**
 * What a document leads to, be it an image, an attestation or any other artifact: what is kept,
 * pushed and saved with it.
 *
 * @returns  an index's entries; else the config, then the layers
 * @throws   as parseImageDocument, but for what makes it no image
 */
export function parseChildren(
  bytes: Buffer,
  declaredMediaType: string,
  what: string,
): Descriptor[] {
  const document = parseJsonObject(bytes, what)
  checkKind(document, agreedMediaType(document, declaredMediaType, what), what)
  if (field(document, 'manifests') !== undefined) return indexEntries(document, what)
  const config = field(document, 'config')
  const layers = optionalArray(document, 'layers', what) ?? []
  return [
    ...(config === undefined ? [] : [parseDescriptor(config, `${what}: config`)]),
    ...layers.map((layer, index) => parseDescriptor(layer, `${what}: layers[${index}]`)),
  ]
}

/** @throws INVALID_ARGUMENT */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  const object = asObject(value, what)
  const sizeBytes = field(object, 'size')
  if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw new TsctrError('INVALID_ARGUMENT', `${what}: size must be a whole number of bytes`)
  }
  const platform = field(object, 'platform')
  const data = optionalString(object, 'data', what)
  return {
    mediaType: optionalString(object, 'mediaType', what) ?? '',
    digest: parseDigest(field(object, 'digest')),
    sizeBytes,
    platform: platform === undefined ? undefined : parsePlatform(asObject(platform, what), what),
    annotations: optionalStringMap(object, 'annotations', what),
    urls: optionalStringList(object, 'urls', what),
    artifactType: optionalString(object, 'artifactType', what),
    ...(data === undefined ? {} : { data: inlineData(data, sizeBytes, what) }),
  }
}

function inlineData(text: string, sizeBytes: number, what: string): Buffer {
  const data = Buffer.from(text, 'base64')
  if (data.toString('base64') === text && data.length === sizeBytes) return data
  throw new TsctrError('INVALID_ARGUMENT', `${what}: data must be ${sizeBytes} bytes in base64`)
}

/** One reader must not see an index where another sees a manifest. */
function checkKind(document: JsonObject, mediaType: string, what: string): void {
  const isOneOf = (...keys: string[]): boolean =>
    keys.some((key) => field(document, key) !== undefined)
  const hasBoth = isOneOf('manifests') && isOneOf('layers', 'config')
  const isOther = isIndex(mediaType) ? isOneOf('layers', 'config') : isOneOf('manifests')
  if (hasBoth || isOther) {
    throw new TsctrError('INVALID_ARGUMENT', `${what}: is both an index and a manifest`)
  }
}

function agreedMediaType(document: JsonObject, declared: string, what: string): string {
  const own = optionalString(document, 'mediaType', what)
  if (own !== undefined && own !== declared && declared !== '') {
    throw new TsctrError('INVALID_ARGUMENT', `${what}: says it is ${own}, was sent as ${declared}`)
  }
  const mediaType = own ?? declared
  const isSchema1 =
    mediaType === mediaTypes.dockerSchema1 ||
    mediaType === mediaTypes.dockerSchema1Signed ||
    field(document, 'schemaVersion') === 1
  if (isSchema1) {
    throw new TsctrError('UNSUPPORTED', `${what}: docker schema 1 images are not supported`, {
      hint: 'push the image again with a tool of this decade',
    })
  }
  if (isIndex(mediaType) || isManifest(mediaType)) return mediaType
  throw new TsctrError('UNSUPPORTED', `${what}: media type ${mediaType} is not an image`)
}

function indexEntries(document: JsonObject, what: string): Descriptor[] {
  const entries = optionalArray(document, 'manifests', what) ?? []
  return entries.map((entry, index) => parseDescriptor(entry, `${what}: manifests[${index}]`))
}

function parseManifest(document: JsonObject, mediaType: string, what: string): ImageManifest {
  const config = parseDescriptor(field(document, 'config'), `${what}: config`)
  const artifactType = optionalString(document, 'artifactType', what)
  if (!isImageConfig(config.mediaType) || artifactType !== undefined) {
    const kind = artifactType ?? config.mediaType
    throw new TsctrError('UNSUPPORTED', `${what}: is an artifact (${kind}), not an image`, {
      hint: 'only images can be pulled and run',
    })
  }
  const layers = optionalArray(document, 'layers', what) ?? []
  if (layers.length > maxLayers) {
    const message = `${what}: ${layers.length} layers are more than ${maxLayers}`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  const layersBaseFirst = layers.map((layer, index) => {
    const descriptor = parseDescriptor(layer, `${what}: layers[${index}]`)
    if (isLayer(descriptor.mediaType)) return descriptor
    const message = `${what}: layers[${index}]: media type ${descriptor.mediaType} is not a layer`
    throw new TsctrError('UNSUPPORTED', message)
  })
  return { kind: 'manifest', mediaType, config, layersBaseFirst }
}

function parsePlatform(object: JsonObject, what: string): Platform {
  const osFeatures = optionalStringList(object, 'os.features', what)
  return {
    os: optionalString(object, 'os', what) ?? '',
    architecture: optionalString(object, 'architecture', what) ?? '',
    variant: optionalString(object, 'variant', what),
    osVersion: optionalString(object, 'os.version', what),
    ...(osFeatures === undefined ? {} : { osFeatures }),
  }
}
