import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { isErrno } from '../errors.ts'
import { tryFlock } from './libc.ts'

/** A held flock; the kernel releases it when the process dies. */
export interface FileLock {
  /**
   * Whether `path` is still the locked file: where the file is removed together with what it
   * guards, a waiter may end up with the lock of a file that is gone, and must start over.
   */
  isOn(path: string): boolean
  release(): void
}

/**
 * Take an exclusive lock on a file, waiting for its holder.
 *
 * @param path    created if missing; whoever removes it makes callers need FileLock.isOn
 * @param signal  ends the wait with its reason
 */
export async function lockFile(path: string, signal?: AbortSignal): Promise<FileLock> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    signal?.throwIfAborted()
    for (let waitMs = 1; !tryFlock(fd, 'exclusive'); waitMs = Math.min(waitMs * 2, 50)) {
      await delay(waitMs, undefined, signal === undefined ? {} : { signal })
    }
  } catch (error) {
    closeSync(fd)
    // The timer's own error says only that something was aborted.
    signal?.throwIfAborted()
    throw error
  }
  return heldLock(fd)
}

/** Take the lock if nobody holds it. */
export function tryLockFile(path: string): FileLock | undefined {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  if (tryFlock(fd, 'exclusive')) return heldLock(fd)
  closeSync(fd)
  return undefined
}

function heldLock(fd: number): FileLock {
  return {
    isOn: (path) => {
      try {
        const named = statSync(path, { bigint: true })
        const locked = fstatSync(fd, { bigint: true })
        return named.ino === locked.ino && named.dev === locked.dev
      } catch (error) {
        if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false
        throw error
      }
    },
    release: () => closeSync(fd),
  }
}
