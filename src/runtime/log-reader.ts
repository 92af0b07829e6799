import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { type LogRecord, parseLogRecord } from './log-record.ts'

const chunkBytes = 256 * 1024
const newline = 0x0a

/**
 * An open log that can be read on as it grows. Reading is by offset, so what is added after the end
 * is seen by the next call; a log that became shorter is read again from its start.
 */
export class LogReader {
  readonly #fd: number
  #offset = 0
  #rest = Buffer.alloc(0)

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** @returns undefined if there is no log */
  static open(path: string): LogReader | undefined {
    try {
      return new LogReader(openSync(path, 'r'))
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    }
  }

  /** The records from here to the present end; a last line without its newline waits. */
  *records(): Generator<LogRecord> {
    if (fstatSync(this.#fd).size < this.#offset) this.#offset = 0
    const chunk = Buffer.allocUnsafe(chunkBytes)
    for (;;) {
      const length = readSync(this.#fd, chunk, 0, chunk.length, this.#offset)
      if (length === 0) return
      this.#offset += length
      const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)])
      let start = 0
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
        const record = parseLogRecord(bytes.subarray(start, end))
        if (record !== undefined) yield record
        start = end + 1
      }
      this.#rest = Buffer.from(bytes.subarray(start))
    }
  }

  /**
   * Move to the start of the last `count` whole lines of output.
   *
   * A line may be many partial records: those are counted once.
   */
  seekTail(count: number): void {
    let position = fstatSync(this.#fd).size
    this.#offset = position
    let tail = Buffer.alloc(0)
    while (position > 0 && count > 0) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, position))
      position -= chunk.length
      readSync(this.#fd, chunk, 0, chunk.length, position)
      tail = Buffer.concat([chunk, tail])
      const start = lineStarts(tail, position === 0).at(-count)
      this.#offset = position + (start ?? 0)
      if (start !== undefined) return
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Offsets in `bytes` at which an output line begins (the record after a full one). */
function lineStarts(bytes: Buffer, isFromStart: boolean): number[] {
  const starts: number[] = []
  let previousEnds = isFromStart
  let start = isFromStart ? 0 : bytes.indexOf(newline) + 1
  if (!isFromStart && start === 0) return starts
  for (let end = bytes.indexOf(newline, start); end >= 0; end = bytes.indexOf(newline, start)) {
    if (previousEnds) starts.push(start)
    const record = parseLogRecord(bytes.subarray(start, end))
    previousEnds = record === undefined || !record.isPartial
    start = end + 1
  }
  return starts
}
