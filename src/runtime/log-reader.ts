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
  #buffer = Buffer.allocUnsafe(chunkBytes)
  /** In the buffer, of what was read before #offset and is no whole line yet. */
  #restLength = 0
  #restStart = 0
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
   * without its newline waits for it. Their bytes are good until the next are asked for.
   *
   * @param end  do not read beyond this offset
   */
  *batches(end = Infinity): Generator<readonly LogRecord[]> {
    if (this.sizeBytes() < this.#offset) this.#startAgain()
    for (;;) {
      if (this.#restLength > this.#buffer.length / 2) this.#makeRoom()
      const room = Math.min(this.#buffer.length - this.#restLength, end - this.#offset)
      const length =
        room <= 0 ? 0 : readSync(this.fd, this.#buffer, this.#restLength, room, this.#offset)
      if (length === 0) return
      this.#offset += length
      const records = this.#recordsIn(this.#restLength + length)
      if (records.length > 0) yield records
      this.#keepRest(this.#restLength + length)
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
    this.#restLength = 0
  }

  close(): void {
    closeSync(this.fd)
  }

  /** @param filled  how many of the buffer's bytes are there */
  #recordsIn(filled: number): LogRecord[] {
    const bytes = this.#buffer
    const base = this.#offset - filled
    const records: LogRecord[] = []
    let start = 0
    for (;;) {
      const end = endOfLine(bytes, start, filled)
      if (end < 0) break
      const record = parseLogRecord(bytes, start, end)
      if (record !== undefined && base + start >= this.#tail[record.stream]) records.push(record)
      start = end + 1
    }
    this.#restStart = start
    return records
  }

  /** Move what is no whole line to the start of the buffer, when its records were seen. */
  #keepRest(filled: number): void {
    this.#buffer.copyWithin(0, this.#restStart, filled)
    this.#restLength = filled - this.#restStart
    if (this.#restLength > maxRestBytes) this.#restLength = 0
  }

  #makeRoom(): void {
    const larger = Buffer.allocUnsafe(this.#buffer.length * 2)
    this.#buffer.copy(larger, 0, 0, this.#restLength)
    this.#buffer = larger
  }

  #startAgain(): void {
    this.#offset = 0
    this.#restLength = 0
    this.#tail = { stdout: 0, stderr: 0 }
  }
}

/** Most lines are short: a call of indexOf costs more than to look at some bytes. */
const shortBytes = 128

function endOfLine(bytes: Buffer, start: number, filled: number): number {
  const near = Math.min(filled, start + shortBytes)
  for (let at = start; at < near; at += 1) if (bytes[at] === newline) return at
  const end = bytes.indexOf(newline, near)
  return end < filled ? end : -1
}
