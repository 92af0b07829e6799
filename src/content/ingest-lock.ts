import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { type FileLock, lockFile, tryLockFile } from '../host/file-lock.ts'
import { storageError } from '../host/storage-error.ts'
import type { IngestPaths } from './layout.ts'

/**
 * Make an ingest's directory and take its lock, waiting for the process that holds it.
 *
 * The lock dies with its holder. Its file goes away with the ingest, so a lock that was waited for
 * may be on a file that is gone: then everything starts over.
 */
export async function lockIngest(paths: IngestPaths, signal?: AbortSignal): Promise<FileLock> {
  for (;;) {
    try {
      mkdirSync(paths.directory, { recursive: true, mode: 0o700 })
      const lock = await lockFile(paths.ref, signal)
      if (lock.isOn(paths.ref)) return lock
      lock.release()
    } catch (error) {
      // Its last holder removed the directory in between.
      if (!isErrno(error, 'ENOENT')) throw storageError(paths.directory, error)
    }
  }
}

/** Make a new ingest's directory and take its lock. */
export function createIngest(paths: IngestPaths): FileLock {
  for (;;) {
    mkdirSync(paths.directory, { mode: 0o700, recursive: true })
    const lock = tryLockIngest(paths)
    if (lock !== undefined) return lock
    // A sweep took the new directory for garbage before it was locked: let it take it away.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
}

/** Take the lock of an ingest that is there; undefined if it is held or gone. */
export function tryLockIngest(paths: IngestPaths): FileLock | undefined {
  try {
    const lock = tryLockFile(paths.ref)
    if (lock === undefined || lock.isOn(paths.ref)) return lock
    lock.release()
    return undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Remove an ingest's files; the caller holds its lock. */
export function removeIngestFiles(paths: IngestPaths): void {
  // Out of the way first: its name may be wanted again while it is emptied.
  const aside = `${paths.directory}-${randomBytes(6).toString('hex')}`
  try {
    renameSync(paths.directory, aside)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return
    throw error
  }
  rmSync(aside, { recursive: true, force: true })
}
