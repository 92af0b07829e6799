import { pipeline, Readable } from 'node:stream'
import zlib from 'node:zlib'
import { TsctrError } from '../errors.ts'
import { ChunkReader } from './chunk-reader.ts'

const magicBytes = 6
const chunkBytes = 256 * 1024
/** Such a frame takes 128 MiB: what zstd itself allows unless asked for more. */
const zstdWindowLog = 27

/**
 * The uncompressed bytes of an archive. What it is compressed with is taken from its first bytes,
 * never from its name.
 *
 * @param what  the archive's file or `stdin`, for messages
 * @throws      UNSUPPORTED for bzip2 and xz; INVALID_ARGUMENT for a damaged or cut stream
 */
export async function* decompressArchive(
  input: AsyncIterable<Buffer>,
  what: string,
): AsyncGenerator<Buffer, void, void> {
  const reader = new ChunkReader(input)
  try {
    const magic = await reader.take(magicBytes)
    const packed = restOf(reader, magic)
    const codec = sniff(magic, what)
    if (codec === undefined) yield* packed
    else yield* decompressed(packed, codec, what)
  } finally {
    await reader.close()
  }
}

interface Codec {
  readonly name: string
  readonly open: () => NodeJS.ReadWriteStream & AsyncIterable<Buffer>
}

const gzip: Codec = {
  name: 'gzip',
  open: () => zlib.createGunzip({ chunkSize: chunkBytes }),
}

const zstd: Codec = {
  name: 'zstd',
  open: () =>
    zlib.createZstdDecompress({
      chunkSize: chunkBytes,
      params: { [zlib.constants.ZSTD_d_windowLogMax]: zstdWindowLog },
    }),
}

/** Source: RFC 1952 §2.3.1, RFC 8878 §3.1 */
function sniff(magic: Buffer, what: string): Codec | undefined {
  const text = magic.toString('latin1')
  if (text.startsWith('\x1f\x8b')) return gzip
  if (text.startsWith('\x28\xb5\x2f\xfd')) return zstd
  if (text.startsWith('BZh')) throw unsupported(what, 'bzip2')
  if (text === '\xfd7zXZ\0') throw unsupported(what, 'xz')
  return undefined
}

function unsupported(what: string, name: string): TsctrError {
  const message = `${what}: compressed with ${name}, not gzip or zstd`
  return new TsctrError('UNSUPPORTED', message, { hint: `pipe it through ${name} -dc` })
}

async function* restOf(reader: ChunkReader, first: Buffer): AsyncGenerator<Buffer, void, void> {
  if (first.length > 0) yield first
  for (;;) {
    const chunk = await reader.takeSome(Number.POSITIVE_INFINITY)
    if (chunk === undefined) return
    yield chunk
  }
}

async function* decompressed(
  packed: AsyncIterable<Buffer>,
  { name, open }: Codec,
  what: string,
): AsyncGenerator<Buffer, void, void> {
  const source = Readable.from(packed, { objectMode: false })
  const codec = open()
  // Its failures come out of the iteration.
  pipeline(source, codec, () => {})
  try {
    yield* codec
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!/^(Z_|ZSTD_|ERR_TRAILING_JUNK)/.test(String(code))) throw error
    const problem = `damaged ${name} stream: ${(error as Error).message}`
    throw new TsctrError('INVALID_ARGUMENT', `${what}: ${problem}`, { cause: error })
  }
}
