import { randomBytes } from 'node:crypto'
import {
  createReadStream,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import type { Readable } from 'node:stream'
import { hasCode, isErrno, TsctrError } from '../errors.ts'
import { type Database, writeTransaction } from '../host/database.ts'
import { fsyncDirectory, syncFilesystemOf } from '../host/durable.ts'
import type { FileLock } from '../host/file-lock.ts'
import { hasRoomFor } from '../host/free-space.ts'
import { isAlive } from '../host/owner.ts'
import { storageError } from '../host/storage-error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestHex } from '../oci/digest.ts'
import { sha256Digest } from '../oci/sha256.ts'
import { createIngest, lockIngest, removeIngestFiles, tryLockIngest } from './ingest-lock.ts'
import {
  blobFilesIn,
  blobPathIn,
  type ContentLayout,
  type IngestPaths,
  ingestKeysIn,
  ingestPathsIn,
  makeContentLayout,
} from './layout.ts'
import { blobMismatch, type ReceiveOptions, receiveBlob } from './receive-blob.ts'
import {
  type Blob,
  deleteBlobRecord,
  deleteIngestRecord,
  findBlob,
  findIngest,
  type IngestRecord,
  listBlobs,
  listIngests,
  recordBlob,
  recordIngest,
} from './records.ts'
import { type StagedBlob, type StagedIngest, stageBlob } from './stage-blob.ts'

/** An unfinished write and how far it got. */
export interface Ingest extends IngestRecord {
  readonly offsetBytes: number
}

export interface EnsureOptions extends ReceiveOptions {
  /** What is fetched, for people: `layer-sha256:…`. */
  readonly ref: string
}

const readStreamBytes = 1024 * 1024

/**
 * Committed blobs and unfinished ingests.
 *
 * A file is named by its digest only when it is whole and on disk; its row comes after it, in the
 * same write transaction. A file without a row is garbage that anyone who wants the blob adopts.
 */
export class ContentStore {
  readonly #layout: ContentLayout
  readonly #database: Database

  /** @param options.root  the `content` directory of a data root; made if missing */
  constructor(options: { root: string; database: Database }) {
    this.#layout = makeContentLayout(options.root)
    this.#database = options.database
  }

  stat(digest: Digest): Blob | undefined {
    return findBlob(this.#database, digest)
  }

  /** Where a blob's file is, or would be. */
  blobPath(digest: Digest): string {
    return blobPathIn(this.#layout, digest)
  }

  /** All blobs by digest. */
  list(): Blob[] {
    return listBlobs(this.#database)
  }

  /** All unfinished writes, oldest first. */
  ingests(): Ingest[] {
    return listIngests(this.#database).map((record) => {
      const { data } = ingestPathsIn(this.#layout, record.key)
      return { ...record, offsetBytes: fileSize(data) ?? 0 }
    })
  }

  /** Keys of writes that have no row: of bytes whose digest is not known yet, or left by a crash. */
  stagedIngests(): {
    readonly key: string
    readonly offsetBytes: number
    readonly isHeld: boolean
  }[] {
    const known = new Set(listIngests(this.#database).map(({ key }) => key))
    const keys = ingestKeysIn(this.#layout).filter((key) => !known.has(key))
    return keys.map((key) => {
      const paths = ingestPathsIn(this.#layout, key)
      const lock = tryLockIngest(paths)
      lock?.release()
      return { key, offsetBytes: fileSize(paths.data) ?? 0, isHeld: lock === undefined }
    })
  }

  /**
   * A manifest, index or config as bytes, checked against its digest.
   *
   * @throws  NOT_FOUND, DIGEST_MISMATCH if the file was changed, INVALID_ARGUMENT above `maxBytes`
   */
  readDocument(digest: Digest, maxBytes: number): Buffer {
    const path = this.blobPath(digest)
    const sizeBytes = fileSize(path)
    if (sizeBytes === undefined) throw notFound(digest)
    if (sizeBytes > maxBytes) {
      const message = `blob ${digest}: ${sizeBytes} bytes are more than ${maxBytes}`
      throw new TsctrError('INVALID_ARGUMENT', message)
    }
    const bytes = readFileSync(path)
    const actual = sha256Digest(bytes)
    if (actual !== digest) throw blobMismatch(digest, digest, actual)
    return bytes
  }

  /**
   * A blob's bytes, unchecked: they were checked before the file got its name.
   *
   * @param range  from `start` up to, not with, `end`; all without it
   * @throws       NOT_FOUND
   */
  openBlob(digest: Digest, range?: { start: number; end: number }): Readable {
    const path = this.blobPath(digest)
    try {
      const fd = openSync(path, 'r')
      const part = range === undefined ? {} : { start: range.start, end: range.end - 1 }
      return createReadStream(path, { fd, highWaterMark: readStreamBytes, ...part })
    } catch (error) {
      if (isErrno(error, 'ENOENT')) throw notFound(digest)
      throw storageError(path, error)
    }
  }

  /**
   * Store bytes at hand.
   *
   * @param options.expected  what they must hash to
   * @throws                  DIGEST_MISMATCH
   */
  writeDocument(bytes: Buffer, options: { mediaType: string; expected?: Digest }): Descriptor {
    const digest = sha256Digest(bytes)
    const expected = options.expected ?? digest
    if (expected !== digest) {
      throw blobMismatch(expected, expected, digest)
    }
    const descriptor = { mediaType: options.mediaType, digest, sizeBytes: bytes.length }
    if (!this.#adopt(descriptor)) this.#write(bytes, descriptor)
    return descriptor
  }

  /**
   * Have a blob, fetching what is missing of it. Processes that want the same blob wait for the one
   * that fetches it; what a killed one left is gone on with.
   *
   * @returns  whether this call fetched it
   * @throws   DIGEST_MISMATCH, after which nothing is left of it; whatever `options.open` throws,
   *           after which the bytes so far are kept for the next call
   */
  async ensureBlob(descriptor: Descriptor, options: EnsureOptions): Promise<'present' | 'fetched'> {
    if (this.#adopt(descriptor)) return 'present'
    const key = digestHex(descriptor.digest)
    const paths = ingestPathsIn(this.#layout, key)
    const lock = await lockIngest(paths, options.signal)
    try {
      if (this.#adopt(descriptor)) {
        this.#discard(key, paths)
        return 'present'
      }
      this.#begin(key, paths, descriptor, options.ref)
      await receiveBlob(paths.data, descriptor, options)
      this.#commit(key, paths, descriptor)
      return 'fetched'
    } catch (error) {
      const isWorthless = hasCode(error, 'DIGEST_MISMATCH') || (fileSize(paths.data) ?? 0) === 0
      if (isWorthless) this.#discard(key, paths)
      throw error
    } finally {
      lock.release()
    }
  }

  /**
   * Take in bytes whose digest is known only at their end. They get no name before commitStaged.
   *
   * @throws  what `bytes` throws, `signal`'s reason, FAILED_PRECONDITION for a full disk; nothing
   *          is left then
   */
  stage(
    bytes: AsyncIterable<Buffer> | Iterable<Buffer>,
    signal?: AbortSignal,
  ): Promise<StagedBlob> {
    return stageBlob(this.#layout, bytes, signal)
  }

  /** Whether the disk has room for a blob of this size. */
  hasRoomFor(sizeBytes: number): boolean {
    return hasRoomFor(this.#layout.root, sizeBytes)
  }

  /** Give a staged blob its name and row. Hold its digest in a lease before. */
  commitStaged(staged: StagedBlob, mediaType: string): Descriptor {
    this.commitAllStaged([{ staged, mediaType }])
    return { mediaType, digest: staged.digest, sizeBytes: staged.sizeBytes }
  }

  /** As commitStaged, for many: all or none of them, and one wait for the disk. */
  commitAllStaged(blobs: readonly { staged: StagedBlob; mediaType: string }[]): void {
    syncFilesystemOf(this.#layout.ingestDirectory)
    writeTransaction(this.#database, () => {
      for (const { staged, mediaType } of blobs) {
        const descriptor = { mediaType, digest: staged.digest, sizeBytes: staged.sizeBytes }
        if (this.#adopt(descriptor)) continue
        renameSync((staged as StagedIngest).paths.data, this.blobPath(staged.digest))
        recordBlob(this.#database, descriptor)
      }
      fsyncDirectory(this.#layout.blobDirectory)
    })
    for (const { staged } of blobs) staged.discard()
  }

  /** Remove a blob if it is there. Nothing may refer to it any more. */
  remove(digest: Digest): void {
    writeTransaction(this.#database, () => deleteBlobRecord(this.#database, digest))
    // The file goes after its row is gone for good, and only if nobody adopted it since.
    writeTransaction(this.#database, () => this.#unlinkWithoutRecord(digest))
  }

  /**
   * Delete a blob's row alone, for a caller that decides inside a transaction of its own;
   * removeOrphans takes the file when that is committed.
   */
  forget(digest: Digest): void {
    deleteBlobRecord(this.#database, digest)
  }

  /** Digests of files that have no row: what a killed process left. */
  orphans(): Digest[] {
    // Inside a write transaction: another process's blob has its file a moment before its row.
    return writeTransaction(this.#database, () =>
      blobFilesIn(this.#layout).filter((digest) => this.stat(digest) === undefined),
    )
  }

  /**
   * Remove files of blobs that have no row. One that cannot be removed keeps none of the others.
   *
   * @returns  their digests
   * @throws   the first failure, when all has been tried
   */
  removeOrphans(): Digest[] {
    const failures: unknown[] = []
    const removed = writeTransaction(this.#database, () =>
      blobFilesIn(this.#layout).filter((digest) => {
        try {
          return this.#unlinkWithoutRecord(digest)
        } catch (error) {
          failures.push(error)
          return false
        }
      }),
    )
    if (failures.length > 0) throw failures[0]
    return removed
  }

  /** Give up an unfinished write. @throws FAILED_PRECONDITION while a process works on it */
  removeIngest(key: string): void {
    const paths = ingestPathsIn(this.#layout, key)
    if (fileSize(paths.directory) === undefined) {
      deleteIngestRecord(this.#database, key)
      return
    }
    const lock = tryLockIngest(paths)
    if (lock === undefined) {
      throw new TsctrError('FAILED_PRECONDITION', `ingest ${key}: another process is writing it`)
    }
    try {
      this.#discard(key, paths)
    } finally {
      lock.release()
    }
  }

  /**
   * Give up unfinished writes whose process is gone.
   *
   * @param options.minAgeMs  keep younger ones: the next pull goes on with them
   * @param options.isDryRun  only say which
   * @returns                 their keys
   */
  sweepDeadIngests(options: { minAgeMs: number; isDryRun?: boolean }): string[] {
    const records = listIngests(this.#database).map((record) => record.key)
    return [...new Set([...records, ...ingestKeysIn(this.#layout)])].filter((key) =>
      this.#sweepIngest(key, options),
    )
  }

  #sweepIngest(
    key: string,
    { minAgeMs, isDryRun = false }: { minAgeMs: number; isDryRun?: boolean },
  ): boolean {
    const paths = ingestPathsIn(this.#layout, key)
    const hasDirectory = fileSize(paths.directory) !== undefined
    // Held: a process works on it, whatever its row says.
    const lock = hasDirectory ? tryLockIngest(paths) : undefined
    if (hasDirectory && lock === undefined) return false
    try {
      // Read under the lock: its last holder may have finished, or a new one begun.
      const record = findIngest(this.#database, key)
      if (record !== undefined) {
        if (isAlive(record.owner)) return false
        if (Date.now() - record.startedAt.getTime() < minAgeMs) return false
      }
      if (!isDryRun) this.#discard(key, paths)
      return true
    } finally {
      lock?.release()
    }
  }

  /** Whether the blob is there whole; gives it its row if it has none. @throws DIGEST_MISMATCH */
  #adopt(descriptor: Descriptor): boolean {
    const { digest, sizeBytes } = descriptor
    const foundBytes = fileSize(this.blobPath(digest))
    if (foundBytes === undefined) return false
    const record = this.stat(digest)
    // The file was damaged after it was committed: fetch it again.
    if (record !== undefined && record.sizeBytes !== foundBytes) return false
    if (foundBytes !== sizeBytes) throw blobMismatch(digest, sizeBytes, foundBytes)
    if (record !== undefined) return true
    return writeTransaction(this.#database, () => {
      // Somebody may be removing it: within the transaction the file stays or is gone.
      if (fileSize(this.blobPath(digest)) === undefined) return false
      recordBlob(this.#database, descriptor)
      return true
    })
  }

  #write(bytes: Buffer, descriptor: Descriptor): void {
    const key = `document-${randomBytes(12).toString('hex')}`
    const paths = ingestPathsIn(this.#layout, key)
    let lock: FileLock | undefined
    try {
      lock = createIngest(paths)
      writeFileSync(paths.data, bytes, { mode: 0o444, flush: true })
      this.#commit(key, paths, descriptor)
    } catch (error) {
      this.#discard(key, paths)
      throw storageError(paths.data, error)
    } finally {
      lock?.release()
    }
  }

  #begin(key: string, paths: IngestPaths, descriptor: Descriptor, ref: string): void {
    try {
      writeFileSync(paths.ref, `${ref}\n`)
      writeFileSync(paths.total, `${descriptor.sizeBytes}\n`, { mode: 0o600 })
    } catch (error) {
      throw storageError(paths.directory, error)
    }
    const { digest, sizeBytes: totalBytes } = descriptor
    recordIngest(this.#database, { key, ref, digest, totalBytes })
  }

  /** Give whole, synced bytes their name and row; the caller holds the ingest's lock. */
  #commit(key: string, paths: IngestPaths, descriptor: Descriptor): void {
    const path = this.blobPath(descriptor.digest)
    writeTransaction(this.#database, () => {
      renameSync(paths.data, path)
      fsyncDirectory(this.#layout.blobDirectory)
      recordBlob(this.#database, descriptor)
      deleteIngestRecord(this.#database, key)
    })
    removeIngestFiles(paths)
  }

  #discard(key: string, paths: IngestPaths): void {
    deleteIngestRecord(this.#database, key)
    removeIngestFiles(paths)
  }

  #unlinkWithoutRecord(digest: Digest): boolean {
    if (this.stat(digest) !== undefined) return false
    try {
      unlinkSync(this.blobPath(digest))
      return true
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return false
      throw storageError(this.blobPath(digest), error)
    }
  }
}

function fileSize(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}

function notFound(digest: Digest): TsctrError {
  return new TsctrError('NOT_FOUND', `blob ${digest}: not in the content store`)
}
