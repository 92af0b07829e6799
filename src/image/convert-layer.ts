import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { decompressArchive } from '../archive/decompress-archive.ts'
import { TsctrError } from '../errors.ts'
import { compressed } from '../layer/compress.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { DiffID } from '../oci/digest.ts'
import {
  formatTypes,
  type ImageFormat,
  isForeignLayer,
  type LayerCompression,
} from '../oci/media-type.ts'
import type { Lease } from '../store/leases.ts'
import type { ImageStores } from './stores.ts'

export interface LayerConversion {
  readonly format: ImageFormat
  /** undefined: as it is. */
  readonly compression: LayerCompression | undefined
  /** Given, a layer that has the compression is compressed anew. */
  readonly level?: number | undefined
  readonly lease: Lease
  readonly signal?: AbortSignal | undefined
}

/**
 * A layer in another compression or under another media type; what is in it stays the same, byte
 * for byte. What it is compressed with is taken from its first bytes: media types are known to lie.
 *
 * @param diffID  what its uncompressed bytes must hash to
 * @throws        DIGEST_MISMATCH, of which nothing is left; INVALID_ARGUMENT for a damaged blob
 */
export async function convertLayer(
  stores: Pick<ImageStores, 'content'>,
  layer: Descriptor,
  diffID: DiffID,
  conversion: LayerConversion,
): Promise<Descriptor> {
  if (isForeignLayer(layer.mediaType)) return layer
  const { format, level, lease, signal } = conversion
  const path = stores.content.blobPath(layer.digest)
  const found = compressionAt(path)
  const compression = conversion.compression ?? found
  const mediaType = formatTypes[format].layer[compression]
  if (compression === found && level === undefined) return { ...layer, mediaType }
  const hash = createHash('sha256')
  const what = `layer ${layer.digest}`
  const input: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 256 * 1024 })
  const archive = hashed(decompressArchive(input, what), hash)
  const staged = await stores.content.stage(compressed(archive, { compression, level }), signal)
  try {
    const actual = `sha256:${hash.digest('hex')}`
    if (actual !== diffID) {
      const message = `${what}: expected diffID ${diffID}, got ${actual}`
      throw new TsctrError('DIGEST_MISMATCH', message)
    }
    lease.hold('blob', staged.digest)
    return stores.content.commitStaged(staged, mediaType)
  } finally {
    staged.discard()
  }
}

/** Source: RFC 1952 §2.3.1, RFC 8878 §3.1.1 */
function compressionAt(path: string): LayerCompression {
  const magic = Buffer.alloc(4)
  const fd = openSync(path, 'r')
  try {
    readSync(fd, magic, 0, magic.length, 0)
  } finally {
    closeSync(fd)
  }
  if (magic.readUInt16BE(0) === 0x1f8b) return 'gzip'
  return magic.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none'
}

async function* hashed(
  chunks: AsyncIterable<Buffer>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}
