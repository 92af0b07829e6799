import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { decompressArchive } from '../archive/decompress-archive.ts'
import type { StagedBlob } from '../content/stage-blob.ts'
import { writeTransaction } from '../host/database.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { DiffID, Digest } from '../oci/digest.ts'
import { formatTypes, type LayerCompression } from '../oci/media-type.ts'
import { namelessReference } from '../oci/nameless.ts'
import type { Platform } from '../oci/platform.ts'
import { canonicalName, type Reference } from '../oci/reference.ts'
import { createLease, type Lease } from '../store/leases.ts'
import { applyConfigChanges, type ConfigChange } from './config-change.ts'
import { deriveConfig } from './derive-config.ts'
import { recordImageEvent } from './image-event.ts'
import { nameImages } from './name-images.ts'
import { readImage } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { unpackImage } from './unpack.ts'
import { writeImage } from './write-image.ts'

export interface ImportRequest {
  /** A root filesystem as a tar archive, plain or compressed with gzip or zstd. */
  readonly input: AsyncIterable<Buffer>
  /** Where it comes from: a file, an address or `-`. */
  readonly source: string
  /** undefined: the image is kept without a name. */
  readonly reference: Reference | undefined
  readonly message?: string | undefined
  readonly changes: readonly ConfigChange[]
  readonly platform: Platform
  /** Take away what nothing needs: called where an import fails after it has stored its input. */
  readonly collectGarbage: () => void
  readonly signal?: AbortSignal | undefined
}

/**
 * Make an image of a root filesystem: one layer, the archive as it is. It goes by the rules of
 * layers, so what a hostile layer cannot do, it cannot.
 *
 * @returns  the image's id
 * @throws   UNSUPPORTED for bzip2 and xz; INVALID_ARGUMENT for what is no archive, or a hostile one;
 *           nothing is left then
 * Source: docker import
 */
export async function importImage(stores: ImageStores, request: ImportRequest): Promise<Digest> {
  const { source, signal } = request
  const lease = createLease(stores.database, `import ${source}`)
  let hasCommitted = false
  try {
    const staged = await stores.content.stage(request.input, signal)
    try {
      const { compression, diffID } = await examine(staged, source, signal)
      lease.hold('blob', staged.digest)
      hasCommitted = true
      const layer = stores.content.commitStaged(staged, formatTypes.oci.layer[compression])
      const id = await makeImage(stores, request, { layer, diffID }, lease)
      hasCommitted = false
      return id
    } finally {
      staged.discard()
    }
  } catch (error) {
    // A stream that was destroyed for it words an abort in its own way.
    throw signal?.aborted === true ? signal.reason : error
  } finally {
    lease.release()
    if (hasCommitted) request.collectGarbage()
  }
}

/** Read what was stored once more, for the digest of what is in it. */
async function examine(
  staged: StagedBlob,
  source: string,
  signal: AbortSignal | undefined,
): Promise<{ compression: LayerCompression; diffID: DiffID }> {
  const hash = createHash('sha256')
  let unpackedBytes = 0
  const input: AsyncIterable<Buffer> = createReadStream(staged.path)
  for await (const chunk of decompressArchive(input, source)) {
    signal?.throwIfAborted()
    hash.update(chunk)
    unpackedBytes += chunk.length
  }
  const diffID = `sha256:${hash.digest('hex')}` as DiffID
  const isPlain = diffID === (staged.digest as Digest) && unpackedBytes === staged.sizeBytes
  return { compression: isPlain ? 'none' : await compressionOf(staged.path), diffID }
}

async function compressionOf(path: string): Promise<'gzip' | 'zstd'> {
  for await (const chunk of createReadStream(path, { end: 0 })) {
    if ((chunk as Buffer)[0] === 0x1f) return 'gzip'
  }
  return 'zstd'
}

async function makeImage(
  stores: ImageStores,
  request: ImportRequest,
  { layer, diffID }: { readonly layer: Descriptor; readonly diffID: DiffID },
  lease: Lease,
): Promise<Digest> {
  const { platform, reference, source, signal } = request
  const config = deriveConfig(
    {},
    {
      config: applyConfigChanges({}, request.changes),
      platform,
      diffIDsBelow: [],
      diffID,
      story: {
        created: new Date(),
        comment: request.message ?? `Imported from ${source}`,
        createdBy: '',
      },
    },
  )
  const target = writeImage(stores, { config, layersBaseFirst: [layer] }, lease)
  const image = readImage(stores, target, platform)
  const layersReady = [Promise.resolve('present' as const)]
  await unpackImage(stores, { image, layersReady, lease, signal })
  signal?.throwIfAborted()
  writeTransaction(stores.database, () => {
    nameImages(stores, [{ target, references: reference === undefined ? [] : [reference] }])
    if (reference !== undefined) {
      recordImageEvent(stores, 'tag', target.digest, canonicalName(reference))
    }
    const byId = canonicalName(namelessReference(target.digest))
    recordImageEvent(stores, 'import', target.digest, byId)
  })
  return image.manifest.config.digest
}
