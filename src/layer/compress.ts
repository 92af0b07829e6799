import { Readable } from 'node:stream'
import zlib from 'node:zlib'

export interface CompressOptions {
  readonly compression: 'gzip' | 'zstd' | 'none'
  /** Of gzip 1-9, of zstd 1-22; their own default unless given. */
  readonly level?: number | undefined
}

/**
 * Compress bytes as layers are. The same bytes give the same result: no time, no name.
 *
 * Pieces are taken from `bytes` only as fast as the result is read; whoever stops reading ends it.
 */
export function compressed(
  bytes: Iterable<Buffer> | AsyncIterable<Buffer>,
  { compression, level }: CompressOptions,
): Iterable<Buffer> | AsyncIterable<Buffer> {
  if (compression === 'none') return bytes
  return through(bytes, compression === 'gzip' ? gzip(level) : zstd(level))
}

function gzip(level: number | undefined): zlib.Gzip {
  return zlib.createGzip(level === undefined ? {} : { level })
}

function zstd(level: number | undefined): zlib.ZstdCompress {
  const { ZSTD_c_checksumFlag, ZSTD_c_compressionLevel } = zlib.constants
  const params: Record<number, number> = { [ZSTD_c_checksumFlag]: 1 }
  if (level !== undefined) params[ZSTD_c_compressionLevel] = level
  return zlib.createZstdCompress({ params })
}

async function* through(
  bytes: Iterable<Buffer> | AsyncIterable<Buffer>,
  codec: zlib.Gzip | zlib.ZstdCompress,
): AsyncGenerator<Buffer> {
  const source = Readable.from(bytes, { objectMode: false })
  source.once('error', (error) => codec.destroy(error))
  try {
    yield* source.pipe(codec) as AsyncIterable<Buffer>
  } finally {
    source.destroy()
    codec.destroy()
  }
}
