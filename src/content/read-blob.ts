import { createReadStream, openSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { isErrno, TsctrError } from '../errors.ts'
import { storageError } from '../host/storage-error.ts'
import type { Digest } from '../oci/digest.ts'
import { sha256Digest } from '../oci/sha256.ts'
import { fileSize } from './commit-blob.ts'
import { blobPathIn, type ContentLayout } from './layout.ts'
import { blobMismatch } from './receive-blob.ts'

/** From `start` up to, not with, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

const readStreamBytes = 1024 * 1024

/**
 * A manifest, index or config as bytes, checked against its digest.
 *
 * @throws  NOT_FOUND, DIGEST_MISMATCH if the file was changed, INVALID_ARGUMENT above `maxBytes`
 */
export function readBlob(layout: ContentLayout, digest: Digest, maxBytes: number): Buffer {
  const path = blobPathIn(layout, digest)
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
export function openBlobFile(layout: ContentLayout, digest: Digest, range?: ByteRange): Readable {
  const path = blobPathIn(layout, digest)
  try {
    const fd = openSync(path, 'r')
    const part = range === undefined ? {} : { start: range.start, end: range.end - 1 }
    return createReadStream(path, { fd, highWaterMark: readStreamBytes, ...part })
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw notFound(digest)
    throw storageError(path, error)
  }
}

function notFound(digest: Digest): TsctrError {
  return new TsctrError('NOT_FOUND', `blob ${digest}: not in the content store`)
}
