import { type FSWatcher, watch } from 'node:fs'
import { isErrno } from '../errors.ts'

export interface DirectoryChanges {
  /**
   * Resolves at the next change, after the time, or when the signal comes. A change since the last
   * call resolves it at once, so what is read between two calls is never out of date unnoticed.
   */
  next(timeoutMs: number, signal?: AbortSignal): Promise<void>
  close(): void
}

/** Watch the entries of a directory and their content; a directory that is gone never changes. */
export function watchDirectory(path: string): DirectoryChanges {
  let hasChanged = false
  let wake: (() => void) | undefined
  const watcher = openWatcher(path, () => {
    hasChanged = true
    wake?.()
  })
  return {
    next: (timeoutMs, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', done)
          wake = undefined
          hasChanged = false
          resolve()
        }
        const timer = setTimeout(done, timeoutMs)
        if (hasChanged || signal?.aborted === true) return done()
        wake = done
        signal?.addEventListener('abort', done, { once: true })
      }),
    close: () => watcher?.close(),
  }
}

function openWatcher(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, onChange)
    watcher.on('error', () => {})
    return watcher
  } catch (error) {
    // Without inotify watches to spare, whoever waits looks again after his timeout.
    if (!isErrno(error, 'ENOENT', 'ENOSPC', 'EMFILE')) throw error
    return undefined
  }
}
