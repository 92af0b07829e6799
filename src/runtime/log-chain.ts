import { statSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { logFileNames } from './log-files.ts'
import { LogReader } from './log-reader.ts'
import type { LogRecord } from './log-record.ts'
import { findTail } from './log-tail.ts'

/** All files of an open log as one, which can be read on as it grows and as new files are begun. */
export class LogChain {
  readonly #path: string
  readonly #maxFiles: number
  /** Oldest first, without those that were read to their end; never empty. */
  #readers: LogReader[]

  private constructor(path: string, maxFiles: number, readers: LogReader[]) {
    this.#path = path
    this.#maxFiles = maxFiles
    this.#readers = readers
  }

  /** @returns undefined if there is no log */
  static open(path: string, maxFiles: number): LogChain | undefined {
    const readers = openAll(path, maxFiles)
    return readers.length === 0 ? undefined : new LogChain(path, maxFiles, readers)
  }

  /** Records from here to the present end, as LogReader gives those of one file. */
  *batches(): Generator<readonly LogRecord[]> {
    for (;;) {
      const [reader, ...newer] = this.#readers
      if (reader === undefined) throw new Error('bug: a log without files')
      yield* reader.batches()
      if (newer.length > 0) {
        reader.close()
        this.#readers = newer
      } else if (isReplaced(this.#path, reader)) {
        // What came after it was read and before it was replaced.
        yield* reader.batches()
        this.#readers = this.#withNewer(reader)
      } else return
    }
  }

  /** The records that there are now, and no more: a container that writes faster is not followed. */
  *presentBatches(): Generator<readonly LogRecord[]> {
    const ends = this.#readers.map((reader) => reader.sizeBytes())
    for (const [n, reader] of this.#readers.entries()) yield* reader.batches(ends[n])
  }

  /** Move to the last `count` lines of output, or of one stream's. */
  seekTail(count: number, stream?: LogRecord['stream']): void {
    const fds = this.#readers.map(({ fd }) => fd)
    const starts = findTail(fds, count, stream)
    for (const [n, reader] of this.#readers.entries()) {
      const start = starts[n]
      if (start !== undefined) reader.seek(start)
    }
  }

  close(): void {
    for (const reader of this.#readers) reader.close()
  }

  #withNewer(last: LogReader): LogReader[] {
    const all = openAll(this.#path, this.#maxFiles)
    // A file that has been put away and dropped by now is older than all that are left.
    const seen = all.findIndex((reader) => reader.isSameFile(last)) + 1
    const newer = all.slice(seen)
    for (const reader of all.slice(0, seen)) reader.close()
    if (newer.length === 0) return [last]
    last.close()
    return newer
  }
}

/** Oldest first. Files only move to older names: opened newest first, none is missed. */
function openAll(path: string, maxFiles: number): LogReader[] {
  const readers: LogReader[] = []
  for (const name of logFileNames(path, maxFiles)) {
    const reader = LogReader.open(name)
    if (reader === undefined) continue
    if (readers.some((other) => other.isSameFile(reader))) reader.close()
    else readers.unshift(reader)
  }
  return readers
}

function isReplaced(path: string, reader: LogReader): boolean {
  try {
    return !reader.isSameFile(statSync(path))
  } catch (error) {
    // Removed with its container.
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}
