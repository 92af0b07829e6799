import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import zlib from 'node:zlib'
import { TsctrError } from '../errors.ts'
import { archiveError } from './layer-error.ts'

const inputBytes = 256 * 1024
/** Decompressing such a frame takes 128 MiB: what zstd itself allows unless asked for more. */
const zstdWindowLog = 27

/** A layer's uncompressed bytes, pulled by the reader. */
export interface LayerStream {
  /**
   * Fill the buffer from its beginning.
   *
   * @returns  how many bytes; 0 at the end, which has then been checked (trailer, checksum)
   * @throws   INVALID_ARGUMENT for a stream that is damaged, cut off or followed by something else
   */
  read(into: Buffer): number
  close(): void
}

/**
 * Open a layer blob. What it is compressed with is taken from its first bytes: media types are
 * known to lie.
 *
 * @param onProgress  called with how many bytes of the blob have been read
 * @throws            UNSUPPORTED for a compression that layers do not use
 */
export function openLayerStream(
  blobPath: string,
  onProgress: (compressedBytesRead: number) => void,
): LayerStream {
  const fd = openSync(blobPath, 'r')
  try {
    const magic = Buffer.alloc(6)
    const sizeBytes = fstatSync(fd).size
    readSync(fd, magic, 0, magic.length, 0)
    const input = { fd, sizeBytes, position: 0, onProgress }
    const codec = sniff(magic)
    return codec === undefined ? plainStream(input) : decompressedStream(input, codec)
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

interface BlobInput {
  readonly fd: number
  readonly sizeBytes: number
  position: number
  readonly onProgress: (compressedBytesRead: number) => void
}

interface Codec {
  readonly name: string
  open(): object
  readonly flushNone: number
  readonly flushEnd: number
  /** gzip(1) takes zeros after the last member for the padding of a tape. */
  readonly allowsTrailingZeros: boolean
}

const gzip: Codec = {
  name: 'gzip',
  open: () => zlib.createGunzip(),
  flushNone: zlib.constants.Z_NO_FLUSH,
  flushEnd: zlib.constants.Z_FINISH,
  allowsTrailingZeros: true,
}

const zstd: Codec = {
  name: 'zstd',
  open: () =>
    zlib.createZstdDecompress({
      params: { [zlib.constants.ZSTD_d_windowLogMax]: zstdWindowLog },
    }),
  flushNone: zlib.constants.ZSTD_e_continue,
  flushEnd: zlib.constants.ZSTD_e_end,
  allowsTrailingZeros: false,
}

/** Source: RFC 1952 §2.3.1, RFC 8878 §3.1; the skippable frame's magic ends in any of 16 digits */
function sniff(magic: Buffer): Codec | undefined {
  if (magic[0] === 0x1f && magic[1] === 0x8b) return gzip
  const word = magic.readUInt32LE(0)
  if (word === 0xfd2fb528 || (word & 0xfffffff0) >>> 0 === 0x184d2a50) return zstd
  const other = magic.toString('latin1')
  if (other.startsWith('BZh')) throw unsupported('bzip2')
  if (other === '\xfd7zXZ\0') throw unsupported('xz')
  return undefined
}

function unsupported(compression: string): TsctrError {
  return new TsctrError('UNSUPPORTED', `layer: compressed with ${compression}, not gzip or zstd`)
}

function plainStream(input: BlobInput): LayerStream {
  return {
    read: (into) => readInput(input, into),
    close: () => closeSync(input.fd),
  }
}

/**
 * What Node's zlib objects keep inside. Driving the handle itself decompresses synchronously into
 * a buffer of our own: memory stays the same however much a byte of input unfolds to, and there is
 * no event loop turn for each chunk. Nothing public does that (`gunzipSync` wants all at once).
 */
interface ZlibInternals {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Buffer,
      inputOffset: number,
      inputLength: number,
      output: Buffer,
      outputOffset: number,
      outputLength: number,
    ): void
    onerror: (message: string) => void
    close(): void
  }
  /** After a write: room left in the output, bytes left in the input. */
  readonly _writeState: Uint32Array
}

function decompressedStream(input: BlobInput, codec: Codec): LayerStream {
  const { _handle: handle, _writeState: state } = codec.open() as ZlibInternals
  const chunk = Buffer.allocUnsafe(inputBytes)
  let offset = 0
  let length = 0
  let failure: string | undefined
  // After a full buffer the decoder is asked again, even with all input taken: it may hold more, and
  // only with room left does it say that the stream is cut.
  let hasMoreOutput = false
  handle.onerror = (message) => {
    failure = message
  }

  // Returns the bytes written; the last chunk is announced, so that a cut stream is an error.
  function step(into: Buffer): number {
    const isLast = input.position === input.sizeBytes
    const flush = isLast ? codec.flushEnd : codec.flushNone
    handle.writeSync(flush, chunk, offset, length, into, 0, into.length)
    if (failure !== undefined) throw archiveError(`damaged ${codec.name} stream: ${failure}`)
    const [roomLeft = 0, inputLeft = 0] = state
    offset += length - inputLeft
    length = inputLeft
    return into.length - roomLeft
  }

  function read(into: Buffer): number {
    for (;;) {
      if (length > 0 || hasMoreOutput) {
        const written = step(into)
        hasMoreOutput = written === into.length
        if (written > 0) return written
        if (length > 0) return finishTrailing()
      }
      offset = 0
      length = readInput(input, chunk)
      if (length === 0) return 0
    }
  }

  // The decoder took nothing although it had room: its stream is over.
  function finishTrailing(): number {
    do {
      for (let index = offset; index < offset + length; index += 1) {
        if (chunk[index] !== 0 || !codec.allowsTrailingZeros) {
          throw archiveError(`unexpected bytes after the ${codec.name} stream`)
        }
      }
      offset = 0
      length = readInput(input, chunk)
    } while (length > 0)
    return 0
  }

  return {
    read,
    close: () => {
      handle.close()
      closeSync(input.fd)
    },
  }
}

function readInput(input: BlobInput, into: Buffer): number {
  const length = readSync(input.fd, into, 0, into.length, null)
  if (length > 0) {
    input.position += length
    input.onProgress(input.position)
  } else if (input.position !== input.sizeBytes) {
    throw archiveError('blob changed while it was read')
  }
  return length
}
