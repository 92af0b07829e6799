import { closeSync, constants, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { tryFlock } from './libc.ts'

/** A held flock; the kernel releases it when the process dies. */
export interface FileLock {
  release(): void
}

/**
 * Take an exclusive lock on a file, waiting for its holder.
 *
 * @param path    created if missing, never removed: removing a lock file would make two locks
 * @param signal  ends the wait with its reason
 */
export async function lockFile(path: string, signal?: AbortSignal): Promise<FileLock> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    for (let waitMs = 1; !tryFlock(fd, 'exclusive'); waitMs = Math.min(waitMs * 2, 50)) {
      await delay(waitMs, undefined, signal === undefined ? {} : { signal })
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { release: () => closeSync(fd) }
}

/** Take the lock if nobody holds it. */
export function tryLockFile(path: string): FileLock | undefined {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  if (tryFlock(fd, 'exclusive')) return { release: () => closeSync(fd) }
  closeSync(fd)
  return undefined
}
