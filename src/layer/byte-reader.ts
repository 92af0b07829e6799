import { createHash, type Hash } from 'node:crypto'
import type { DiffID } from '../oci/digest.ts'
import type { LayerStream } from './decompress.ts'
import { archiveError } from './layer-error.ts'

/** Small enough to stay in the processor's cache between decompressing, hashing and writing. */
const bufferBytes = 256 * 1024

/** Reads a layer's uncompressed bytes in pieces of any size and hashes all of them. */
export class ByteReader {
  readonly #stream: LayerStream
  readonly #buffer = Buffer.allocUnsafe(bufferBytes)
  readonly #hash: Hash | undefined
  #start = 0
  #end = 0

  /** @param isHashed  false where nobody asks for the digest: it costs more than the reading */
  constructor(stream: LayerStream, isHashed = true) {
    this.#stream = stream
    this.#hash = isHashed ? createHash('sha256') : undefined
  }

  /**
   * The next bytes, in one piece.
   *
   * @returns  a view that is valid until the next call; undefined if the stream ended before them
   * @throws   INVALID_ARGUMENT if it ends in the middle of them
   */
  takeOrEnd(length: number): Buffer | undefined {
    if (this.#end - this.#start < length) {
      if (this.#start === this.#end && !this.#fill()) return undefined
      if (this.#end - this.#start < length) return this.#takeInPieces(length)
    }
    const view = this.#buffer.subarray(this.#start, this.#start + length)
    this.#start += length
    return view
  }

  take(length: number): Buffer {
    const bytes = this.takeOrEnd(length)
    if (bytes === undefined && length > 0) throw cutOff()
    return bytes ?? Buffer.alloc(0)
  }

  /** Hand on the next bytes in views that are valid during the call. */
  forEachSlice(length: number, use: (slice: Buffer) => void): void {
    let left = length
    while (left > 0) {
      const slice = this.#nextSlice(left)
      if (slice === undefined) throw cutOff()
      left -= slice.length
      use(slice)
    }
  }

  skip(length: number): void {
    this.forEachSlice(length, () => {})
  }

  /** All that is left, to the end of the stream. */
  forEachRemainingSlice(use: (slice: Buffer) => void): void {
    for (;;) {
      const slice = this.#nextSlice(bufferBytes)
      if (slice === undefined) return
      use(slice)
    }
  }

  /** Digest of the whole stream; only after its end was reached. */
  diffID(): DiffID {
    if (this.#hash === undefined) throw new Error('bug: the stream is not hashed')
    return `sha256:${this.#hash.digest('hex')}` as DiffID
  }

  #nextSlice(atMost: number): Buffer | undefined {
    if (this.#start === this.#end && !this.#fill()) return undefined
    const stop = Math.min(this.#end, this.#start + atMost)
    const view = this.#buffer.subarray(this.#start, stop)
    this.#start = stop
    return view
  }

  #takeInPieces(length: number): Buffer {
    const whole = Buffer.allocUnsafe(length)
    let filled = 0
    this.forEachSlice(length, (slice) => {
      filled += slice.copy(whole, filled)
    })
    return whole
  }

  #fill(): boolean {
    this.#start = 0
    this.#end = this.#stream.read(this.#buffer)
    if (this.#end === 0) return false
    this.#hash?.update(this.#buffer.subarray(0, this.#end))
    return true
  }
}

function cutOff(): Error {
  return archiveError('archive is cut off')
}
