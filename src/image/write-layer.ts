import { createHash } from 'node:crypto'
import { type CompressOptions, compressed } from '../layer/compress.ts'
import { type FileToPack, packFiles, type WhiteoutToPack } from '../layer/pack-files.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { DiffID } from '../oci/digest.ts'
import { formatTypes, type ImageFormat } from '../oci/media-type.ts'
import type { Lease } from '../store/leases.ts'
import { ownership } from './ownership.ts'
import type { ImageStores } from './stores.ts'

export interface WriteLayerOptions extends CompressOptions {
  readonly format: ImageFormat
  readonly lease: Lease
  readonly signal?: AbortSignal | undefined
}

export interface WrittenLayer {
  /** Of the blob, in the content store and held by the lease. */
  readonly descriptor: Descriptor
  readonly diffID: DiffID
}

/**
 * Write files as a layer into the content store.
 *
 * @returns  undefined if there are none
 * @throws   what `files` throws, the signal's reason; nothing is left then
 */
export async function writeLayer(
  stores: Pick<ImageStores, 'content'>,
  files: Generator<FileToPack | WhiteoutToPack>,
  options: WriteLayerOptions,
): Promise<WrittenLayer | undefined> {
  const first = files.next()
  if (first.done === true) return undefined
  const hash = createHash('sha256')
  const archive = hashed(
    packFiles(startingWith(first.value, files), { ownership: ownership() }),
    hash,
  )
  const staged = await stores.content.stage(compressed(archive, options), options.signal)
  try {
    options.lease.hold('blob', staged.digest)
    const mediaType = formatTypes[options.format].layer[options.compression]
    const descriptor = stores.content.commitStaged(staged, mediaType)
    return { descriptor, diffID: `sha256:${hash.digest('hex')}` as DiffID }
  } finally {
    staged.discard()
  }
}

function* startingWith<T>(first: T, rest: Generator<T>): Generator<T> {
  try {
    yield first
    yield* rest
  } finally {
    rest.return(undefined)
  }
}

function* hashed(chunks: Iterable<Buffer>, hash: ReturnType<typeof createHash>): Generator<Buffer> {
  for (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}
