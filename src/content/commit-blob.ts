import { renameSync, statSync, unlinkSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { type Database, writeTransaction } from '../host/database.ts'
import { fsyncDirectory } from '../host/durable.ts'
import { storageError } from '../host/storage-error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { removeIngestFiles } from './ingest-lock.ts'
import { blobPathIn, type ContentLayout, type IngestPaths } from './layout.ts'
import { blobMismatch } from './receive-blob.ts'
import { deleteIngestRecord, findBlob, recordBlob } from './records.ts'

/** Files and rows of a content store: one says nothing without the other. */
export interface ContentPlace {
  readonly layout: ContentLayout
  readonly database: Database
}

/** Whether the blob is there whole; gives it its row if it has none. @throws DIGEST_MISMATCH */
export function adoptBlob({ layout, database }: ContentPlace, descriptor: Descriptor): boolean {
  const { digest, sizeBytes } = descriptor
  const path = blobPathIn(layout, digest)
  const foundBytes = fileSize(path)
  if (foundBytes === undefined) return false
  const record = findBlob(database, digest)
  // The file was damaged after it was committed: fetch it again.
  if (record !== undefined && record.sizeBytes !== foundBytes) return false
  if (foundBytes !== sizeBytes) throw blobMismatch(digest, sizeBytes, foundBytes)
  if (record !== undefined) return true
  return writeTransaction(database, () => {
    // Somebody may be removing it: within the transaction the file stays or is gone.
    if (fileSize(path) === undefined) return false
    recordBlob(database, descriptor)
    return true
  })
}

/** Give whole, synced bytes their name and row; the caller holds the ingest's lock. */
export function commitIngest(
  { layout, database }: ContentPlace,
  ingest: { readonly key: string; readonly paths: IngestPaths },
  descriptor: Descriptor,
): void {
  const { key, paths } = ingest
  const path = blobPathIn(layout, descriptor.digest)
  writeTransaction(database, () => {
    renameSync(paths.data, path)
    fsyncDirectory(layout.blobDirectory)
    recordBlob(database, descriptor)
    deleteIngestRecord(database, key)
  })
  removeIngestFiles(paths)
}

/** Give up what an ingest has, its row too; the caller holds its lock. */
export function discardIngest(
  { database }: Pick<ContentPlace, 'database'>,
  { key, paths }: { readonly key: string; readonly paths: IngestPaths },
): void {
  deleteIngestRecord(database, key)
  removeIngestFiles(paths)
}

/** Remove the file of a blob that has no row; called inside a transaction. @returns whether it did */
export function unlinkWithoutRecord({ layout, database }: ContentPlace, digest: Digest): boolean {
  const path = blobPathIn(layout, digest)
  if (findBlob(database, digest) !== undefined) return false
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw storageError(path, error)
  }
}

export function fileSize(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}
