/** Reads a stream in pieces of any size; it never holds more than a chunk and a piece. */
export class ChunkReader {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  /** The next bytes in one piece: fewer than asked for at the end of the stream. */
  async take(length: number): Promise<Buffer> {
    if (this.#rest.length >= length) return this.#split(length)
    const pieces: Buffer[] = []
    let found = 0
    while (found < length) {
      const piece = await this.takeSome(length - found)
      if (piece === undefined) break
      pieces.push(piece)
      found += piece.length
    }
    return Buffer.concat(pieces)
  }

  /** What is there of the next bytes; undefined at the end of the stream. */
  async takeSome(atMost: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next()
      if (next.done === true) return undefined
      this.#rest = next.value
    }
    return this.#split(Math.min(atMost, this.#rest.length))
  }

  /** Let go of the stream, read or not. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  #split(length: number): Buffer {
    const piece = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return piece
  }
}
