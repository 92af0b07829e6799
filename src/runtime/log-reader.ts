import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { type LogRecord, parseLogRecord } from './log-record.ts'
import type { TailStart } from './log-tail.ts'

const chunkBytes = 256 * 1024
/** No record is longer; what is, after a crash of the machine, is no record. */
const maxRestBytes = 1024 * 1024
const newline = 0x0a

/**
 * An open log that can be read on as it grows. Reading is by offset, so what is added after the end
 * is seen by the next call; a log that became shorter is read again from its start.
 */
export class LogReader {
  readonly fd: number
  readonly dev: number
  readonly ino: number
  #offset = 0
  /** The bytes before #offset that are no whole line yet. */
  #rest = Buffer.alloc(0)
  #tail: TailStart = { stdout: 0, stderr: 0 }

  private constructor(fd: number) {
    this.fd = fd
    const { dev, ino } = fstatSync(fd)
    this.dev = dev
    this.ino = ino
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

  /**
   * The records from here to the present end, as many at once as were read at once; a last line
   * without its newline waits for it.
   *
   * @param end  do not read beyond this offset
   */
  *batches(end = Infinity): Generator<readonly LogRecord[]> {
    if (this.sizeBytes() < this.#offset) this.#startAgain()
    const chunk = Buffer.allocUnsafe(chunkBytes)
    for (;;) {
      const wanted = Math.min(chunk.length, end - this.#offset)
      const length = wanted <= 0 ? 0 : readSync(this.fd, chunk, 0, wanted, this.#offset)
      if (length === 0) return
      const records = this.#recordsIn(chunk.subarray(0, length))
      if (records.length > 0) yield records
    }
  }

  sizeBytes(): number {
    return fstatSync(this.fd).size
  }

  isSameFile(file: { readonly dev: number; readonly ino: number }): boolean {
    return this.dev === file.dev && this.ino === file.ino
  }

  /** Go on at a place, for each stream its own; it is the start of a record. */
  seek(start: TailStart): void {
    this.#tail = start
    this.#offset = Math.min(this.#tail.stdout, this.#tail.stderr)
    this.#rest = Buffer.alloc(0)
  }

  close(): void {
    closeSync(this.fd)
  }

  #recordsIn(chunk: Buffer): LogRecord[] {
    const bytes = Buffer.concat([this.#rest, chunk])
    const base = this.#offset - this.#rest.length
    this.#offset += chunk.length
    const records: LogRecord[] = []
    let start = 0
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      const record = parseLogRecord(bytes.subarray(start, end))
      if (record !== undefined && base + start >= this.#tail[record.stream]) records.push(record)
      start = end + 1
    }
    const rest = bytes.subarray(start)
    this.#rest = rest.length > maxRestBytes ? Buffer.alloc(0) : rest
    return records
  }

  #startAgain(): void {
    this.#offset = 0
    this.#rest = Buffer.alloc(0)
    this.#tail = { stdout: 0, stderr: 0 }
  }
}
