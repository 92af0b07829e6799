import { availableParallelism } from 'node:os'
import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { DiffID, Digest } from '../oci/digest.ts'
import { maxManifestBytes } from '../oci/image-manifest.ts'
import { asObject, field, type JsonObject, parseJsonObject } from '../oci/json-document.ts'
import {
  formatTypes,
  type ImageFormat,
  isIndex,
  type LayerCompression,
  mediaTypes,
} from '../oci/media-type.ts'
import type { Platform } from '../oci/platform.ts'
import { canonicalName, type Reference } from '../oci/reference.ts'
import { sha256Digest } from '../oci/sha256.ts'
import { createLease, type Lease } from '../store/leases.ts'
import { convertLayer } from './convert-layer.ts'
import { findImage } from './find-image.ts'
import { recordImageEvent } from './image-event.ts'
import {
  findImageParts,
  type ImagePart,
  missingBlobs,
  type PlatformSelection,
  selectParts,
} from './image-parts.ts'
import { nameImages } from './name-images.ts'
import type { Target } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { taskQueue } from './task-queue.ts'

export interface ConvertRequest {
  /** A name, an id or a start of one, as typed. */
  readonly source: string
  readonly reference: Reference
  readonly platforms: PlatformSelection
  /** The one that an id is looked up for. */
  readonly preferred: Platform
  /** Whose media types; undefined: as they are. */
  readonly format: ImageFormat | undefined
  /** Of the layers; undefined: as they are. */
  readonly compression: LayerCompression | undefined
  readonly level?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Make an image whose layers hold the same in another form. Configs stay as they are, and with them
 * diffIDs, the image's id and its snapshots.
 *
 * Of an index those platforms are taken that are selected and here; attestations are left out, as
 * they speak of the manifests that were.
 *
 * @returns  digest of the new index or manifest
 * @throws   NOT_FOUND for an image, a platform or a layer that is not here; DIGEST_MISMATCH
 */
export async function convertImage(stores: ImageStores, request: ConvertRequest): Promise<Digest> {
  const { source, signal } = request
  const lease = createLease(stores.database, `convert ${source}`)
  try {
    const { target } = findImage(stores, source, request.preferred)
    const conversion = new Conversion(stores, request, lease)
    const parts = selectedParts(stores, target, request)
    for (const part of parts) lease.hold('blob', ...blobsOf(part))
    const converted: Descriptor[] = []
    for (const part of parts) converted.push(await conversion.manifest(part))
    const [only] = converted
    const made =
      isIndex(target.mediaType) || only === undefined
        ? conversion.index(target, parts, converted)
        : only
    signal?.throwIfAborted()
    writeTransaction(stores.database, () => {
      nameImages(stores, [{ target: made, references: [request.reference] }])
      recordImageEvent(stores, 'tag', made.digest, canonicalName(request.reference))
    })
    return made.digest
  } finally {
    lease.release()
  }
}

function selectedParts(
  stores: ImageStores,
  target: Target,
  { source, platforms }: ConvertRequest,
): readonly ImagePart[] {
  const what = `image ${source}`
  const isHere = ({ digest }: { readonly digest: Digest }): boolean =>
    stores.content.stat(digest) !== undefined
  const found = findImageParts(
    (entry, maxBytes) =>
      isHere(entry) ? stores.content.readDocument(entry.digest, maxBytes) : undefined,
    target,
  )
  const selected = selectParts(found, platforms, what)
  const missing = selected.flatMap((part) => missingBlobs(part, isHere))
  const parts =
    platforms === 'here'
      ? selected.filter((part) => missingBlobs(part, isHere).length === 0)
      : selected
  if (parts.length > 0 && (platforms === 'here' || missing.length === 0)) return parts
  const digest = missing[0]?.digest ?? target.digest
  throw new TsctrError('NOT_FOUND', `${what}: blob ${digest} is not here`, {
    hint: `tsctr pull ${source}`,
  })
}

function blobsOf({ manifestDescriptor, manifest }: ImagePart): Digest[] {
  const blobs = [manifestDescriptor, manifest.config, ...manifest.layersBaseFirst]
  return blobs.map(({ digest }) => digest)
}

/** One conversion of an image: a layer that several platforms share is converted once. */
class Conversion {
  readonly #stores: ImageStores
  readonly #request: ConvertRequest
  readonly #lease: Lease
  readonly #layers = new Map<string, Promise<Descriptor>>()
  readonly #enqueue = taskQueue(availableParallelism())

  constructor(stores: ImageStores, request: ConvertRequest, lease: Lease) {
    this.#stores = stores
    this.#request = request
    this.#lease = lease
  }

  async manifest({ manifestDescriptor, manifest, config }: ImagePart): Promise<Descriptor> {
    const format = this.#formatOf(manifestDescriptor.mediaType)
    const { layersBaseFirst } = manifest
    const diffIDs = config?.diffIDs ?? []
    if (diffIDs.length !== layersBaseFirst.length) {
      const counts = `${diffIDs.length} diff_ids for ${layersBaseFirst.length} layers`
      throw new TsctrError('INVALID_ARGUMENT', `config ${manifest.config.digest}: ${counts}`)
    }
    const layers = layersBaseFirst.map((layer, index) =>
      this.#layer(layer, diffIDs[index] as DiffID, format),
    )
    // Of several that fail the first is told of; nobody may still be writing when the lease ends.
    await Promise.allSettled(layers)
    const document = this.#read(manifestDescriptor)
    const types = formatTypes[format]
    const described = (value: unknown, made: Descriptor): object =>
      pointingTo(asObject(value, `manifest ${manifestDescriptor.digest}`), made)
    const made = await Promise.all(layers)
    return this.#write(
      {
        ...document,
        mediaType: types.manifest,
        config: described(document.config, { ...manifest.config, mediaType: types.config }),
        layers: made.map((layer, index) =>
          described((field(document, 'layers') as unknown[])[index], layer),
        ),
      },
      types.manifest,
    )
  }

  index(target: Target, parts: readonly ImagePart[], converted: readonly Descriptor[]): Descriptor {
    const { index: mediaType } = formatTypes[this.#formatOf(target.mediaType)]
    const entries = parts.map((part, index) =>
      pointingTo(this.#entryOf(part), converted[index] as Descriptor),
    )
    return this.#write({ ...this.#read(target), mediaType, manifests: entries }, mediaType)
  }

  #layer(layer: Descriptor, diffID: DiffID, format: ImageFormat): Promise<Descriptor> {
    const { compression, level, signal } = this.#request
    const key = `${format} ${layer.digest}`
    const options = { format, compression, level, signal, lease: this.#lease }
    const converted =
      this.#layers.get(key) ??
      this.#enqueue(() => convertLayer(this.#stores, layer, diffID, options))
    this.#layers.set(key, converted)
    return converted
  }

  /** What the index that lists a manifest says of it. */
  #entryOf({ indexes, manifestDescriptor }: ImagePart): JsonObject {
    const parent = indexes.at(-1)
    const entries =
      parent === undefined ? [] : (field(this.#read(parent), 'manifests') as unknown[])
    const found = entries.find(
      (entry) => asObject(entry, 'index entry').digest === manifestDescriptor.digest,
    )
    return found === undefined ? {} : asObject(found, 'index entry')
  }

  #formatOf(mediaType: string): ImageFormat {
    if (this.#request.format !== undefined) return this.#request.format
    const isDocker = mediaType === mediaTypes.dockerList || mediaType === mediaTypes.dockerManifest
    return isDocker ? 'docker' : 'oci'
  }

  #read({ digest }: Target): JsonObject {
    const bytes = this.#stores.content.readDocument(digest, maxManifestBytes)
    return parseJsonObject(bytes, `manifest ${digest}`)
  }

  #write(document: object, mediaType: string): Descriptor {
    const bytes = Buffer.from(JSON.stringify(document))
    this.#lease.hold('blob', sha256Digest(bytes))
    return this.#stores.content.writeDocument(bytes, { mediaType })
  }
}

/** Notes that other tools keep on a blob's inner places; they are wrong for other bytes. */
const annotationsOfBytes = ['containerd.io/snapshot/', 'io.github.containers.zstd-chunked.']

/** A descriptor with all that it said, for another blob. */
function pointingTo(entry: JsonObject, { mediaType, digest, sizeBytes }: Descriptor): object {
  const isSame = entry.digest === digest
  const { data, annotations, ...rest } = entry
  const kept = Object.entries((annotations ?? {}) as JsonObject).filter(
    ([name]) => isSame || !annotationsOfBytes.some((prefix) => name.startsWith(prefix)),
  )
  return {
    ...rest,
    mediaType,
    digest,
    size: sizeBytes,
    ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
    ...(isSame && data !== undefined ? { data } : {}),
  }
}
