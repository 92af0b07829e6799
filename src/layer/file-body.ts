import { ftruncateSync, writeSync } from 'node:fs'
import { isNearlyFull } from '../host/free-space.ts'
import { noSpace } from './layer-error.ts'
import type { TarEntry } from './tar-reader.ts'

/** Hands on the next `length` bytes of an entry's body in views valid during the call. */
export type BodySource = (length: number, use: (slice: Buffer) => void) => void

/** Looked at this often: a small layer still fits on a disk that is nearly full. */
const checkEveryBytes = 64 * 1024 * 1024

/**
 * Writes file bodies, and stops before the disk is full: a host without any space left fails in
 * ways that have nothing to do with the layer.
 */
export class BodyWriter {
  readonly #directory: string
  #sinceCheckBytes = 0

  /** @param directory  on the file system that is written to */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** Write an entry's body into an empty file. @returns bytes that take space: holes do not */
  write(fd: number, entry: TarEntry, body: BodySource): number {
    let position: number | null = null
    const writeSlice = (slice: Buffer): void => {
      position = writeWhole(fd, slice, position)
      this.#check(entry, slice.length)
    }
    if (entry.sparse === undefined) {
      if (entry.bodyBytes > 0) body(entry.bodyBytes, writeSlice)
      return entry.bodyBytes
    }
    for (const { offset, length } of entry.sparse.regions) {
      position = offset
      body(length, writeSlice)
    }
    ftruncateSync(fd, entry.sparse.realSizeBytes)
    return entry.bodyBytes
  }

  #check(entry: TarEntry, writtenBytes: number): void {
    this.#sinceCheckBytes += writtenBytes
    if (this.#sinceCheckBytes < checkEveryBytes) return
    this.#sinceCheckBytes = 0
    if (isNearlyFull(this.#directory)) throw noSpace(entry.name)
  }
}

/** @returns  the position after the slice; null when the file's own position counts */
function writeWhole(fd: number, slice: Buffer, position: number | null): number | null {
  let written = 0
  while (written < slice.length) {
    const at = position === null ? null : position + written
    written += writeSync(fd, slice, written, slice.length - written, at)
  }
  return position === null ? null : position + slice.length
}
