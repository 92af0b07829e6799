import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, open as openFile } from 'node:fs/promises'
import type { FileLock } from '../host/file-lock.ts'
import { storageError } from '../host/storage-error.ts'
import type { Digest } from '../oci/digest.ts'
import { createIngest, removeIngestFiles } from './ingest-lock.ts'
import { type ContentLayout, type IngestPaths, ingestPathsIn } from './layout.ts'

/** Bytes that are whole and have no name yet. Commit or discard each. */
export interface StagedBlob {
  readonly digest: Digest
  readonly sizeBytes: number
  /** Where the bytes are until then. */
  readonly path: string
  /** Give them up; after a commit it does nothing. */
  discard(): void
}

/** What the content store commits. */
export interface StagedIngest extends StagedBlob {
  readonly paths: IngestPaths
}

/**
 * Write bytes whose digest is known at their end to an ingest of their own. Nobody can go on with
 * them after a crash, so the ingest has no row: without its lock it is garbage at once.
 *
 * @throws  what `bytes` throws, `signal`'s reason, FAILED_PRECONDITION for a full disk; nothing is
 *          left then
 */
export async function stageBlob(
  layout: ContentLayout,
  bytes: AsyncIterable<Buffer> | Iterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<StagedIngest> {
  const key = `staged-${randomBytes(12).toString('hex')}`
  const paths = ingestPathsIn(layout, key)
  let lock: FileLock | undefined
  const discard = (): void => {
    if (lock === undefined) return
    removeIngestFiles(paths)
    lock.release()
    lock = undefined
  }
  try {
    lock = createIngest(paths)
    const { digest, sizeBytes } = await writeWhole(paths.data, bytes, signal)
    return { digest, sizeBytes, path: paths.data, discard, paths }
  } catch (error) {
    discard()
    throw storageError(paths.data, error)
  }
}

async function writeWhole(
  path: string,
  bytes: AsyncIterable<Buffer> | Iterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<{ digest: Digest; sizeBytes: number }> {
  const file = await openFile(path, 'wx', 0o600)
  try {
    const hash = createHash('sha256')
    let sizeBytes = 0
    for await (const chunk of bytes) {
      signal?.throwIfAborted()
      const written = writeChunk(file, chunk)
      hash.update(chunk)
      await written
      sizeBytes += chunk.length
    }
    await file.chmod(0o444)
    return { digest: `sha256:${hash.digest('hex')}` as Digest, sizeBytes }
  } finally {
    await file.close()
  }
}

async function writeChunk(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    done += (await file.write(chunk, done)).bytesWritten
  }
}
