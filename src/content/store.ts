import { randomBytes } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { hasCode } from '../errors.ts'
import { type Database, writeTransaction } from '../host/database.ts'
import { fsyncDirectory, syncFilesystemOf } from '../host/durable.ts'
import type { FileLock } from '../host/file-lock.ts'
import { hasRoomFor } from '../host/free-space.ts'
import { storageError } from '../host/storage-error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestHex } from '../oci/digest.ts'
import { sha256Digest } from '../oci/sha256.ts'
import {
  adoptBlob,
  type ContentPlace,
  commitIngest,
  discardIngest,
  fileSize,
  unlinkWithoutRecord,
} from './commit-blob.ts'
import { createIngest, lockIngest } from './ingest-lock.ts'
import {
  blobFilesIn,
  blobPathIn,
  type ContentLayout,
  type IngestPaths,
  ingestPathsIn,
  makeContentLayout,
} from './layout.ts'
import { type ByteRange, openBlobFile, readBlob } from './read-blob.ts'
import { blobMismatch, type ReceiveOptions, receiveBlob } from './receive-blob.ts'
import {
  type Blob,
  deleteBlobRecord,
  findBlob,
  listBlobs,
  recordBlob,
  recordIngest,
} from './records.ts'
import { type StagedBlob, type StagedIngest, stageBlob } from './stage-blob.ts'
import {
  type Ingest,
  listStaged,
  listUnfinished,
  removeUnfinished,
  type StagedIngestInfo,
  type SweepOptions,
  sweepUnfinished,
} from './unfinished.ts'

export interface EnsureOptions extends ReceiveOptions {
  /** What is fetched, for people: `layer-sha256:…`. */
  readonly ref: string
}

/**
 * Committed blobs and unfinished ingests.
 *
 * A file is named by its digest only when it is whole and on disk; its row comes after it, in the
 * same write transaction. A file without a row is garbage that anyone who wants the blob adopts.
 */
export class ContentStore {
  readonly #layout: ContentLayout
  readonly #database: Database
  readonly #place: ContentPlace

  /** @param options.root  the `content` directory of a data root; made if missing */
  constructor(options: { root: string; database: Database }) {
    this.#layout = makeContentLayout(options.root)
    this.#database = options.database
    this.#place = { layout: this.#layout, database: this.#database }
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
    return listUnfinished(this.#place)
  }

  /** Writes that have no row: of bytes whose digest is not known yet, or left by a crash. */
  stagedIngests(): StagedIngestInfo[] {
    return listStaged(this.#place)
  }

  /** A manifest, index or config as bytes. @throws as readBlob */
  readDocument(digest: Digest, maxBytes: number): Buffer {
    return readBlob(this.#layout, digest, maxBytes)
  }

  /** A blob's bytes, unchecked, all of them or a range. @throws NOT_FOUND */
  openBlob(digest: Digest, range?: ByteRange): Readable {
    return openBlobFile(this.#layout, digest, range)
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
    if (!adoptBlob(this.#place, descriptor)) this.#write(bytes, descriptor)
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
    if (adoptBlob(this.#place, descriptor)) return 'present'
    const key = digestHex(descriptor.digest)
    const paths = ingestPathsIn(this.#layout, key)
    const lock = await lockIngest(paths, options.signal)
    try {
      if (adoptBlob(this.#place, descriptor)) {
        discardIngest(this.#place, { key, paths })
        return 'present'
      }
      this.#begin(key, paths, descriptor, options.ref)
      await receiveBlob(paths.data, descriptor, options)
      commitIngest(this.#place, { key, paths }, descriptor)
      return 'fetched'
    } catch (error) {
      const isWorthless = hasCode(error, 'DIGEST_MISMATCH') || (fileSize(paths.data) ?? 0) === 0
      if (isWorthless) discardIngest(this.#place, { key, paths })
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
        if (adoptBlob(this.#place, descriptor)) continue
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
    writeTransaction(this.#database, () => unlinkWithoutRecord(this.#place, digest))
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
          return unlinkWithoutRecord(this.#place, digest)
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
    removeUnfinished(this.#place, key)
  }

  /** Give up unfinished writes whose process is gone. @returns their keys */
  sweepDeadIngests(options: SweepOptions): string[] {
    return sweepUnfinished(this.#place, options)
  }

  #write(bytes: Buffer, descriptor: Descriptor): void {
    const key = `document-${randomBytes(12).toString('hex')}`
    const paths = ingestPathsIn(this.#layout, key)
    let lock: FileLock | undefined
    try {
      lock = createIngest(paths)
      writeFileSync(paths.data, bytes, { mode: 0o444, flush: true })
      commitIngest(this.#place, { key, paths }, descriptor)
    } catch (error) {
      discardIngest(this.#place, { key, paths })
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
}
