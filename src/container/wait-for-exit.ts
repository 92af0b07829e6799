import { type FSWatcher, watch } from 'node:fs'
import { isErrno } from '../errors.ts'
import { isAlive } from '../host/owner.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { type ExitStatus, readExitStatus } from '../runtime/exit-status.ts'
import type { ContainerRecord } from '../store/containers.ts'
import type { ContainerStores } from './stores.ts'

/** A monitor that was killed writes nothing: it is looked for this often. */
const livenessCheckMs = 500

/**
 * Wait until conmon has written a container's exit status.
 *
 * @returns  undefined if no status will come: the monitor is dead, or the container was removed
 */
export async function waitForExit(
  stores: ContainerStores,
  record: ContainerRecord,
  signal?: AbortSignal,
): Promise<ExitStatus | undefined> {
  const files = containerFiles(stores.dataRoot, record.id)
  const changes = watchDirectory(files.directory)
  try {
    for (;;) {
      signal?.throwIfAborted()
      const wasMonitored = record.monitor !== undefined && isAlive(record.monitor)
      const status = readExitStatus(files.exit)
      if (status !== undefined || !wasMonitored) return status
      await changes.next(livenessCheckMs, signal)
    }
  } finally {
    changes.close()
  }
}

interface DirectoryChanges {
  /** Resolves at the next change, after the time, or when the signal comes. */
  next(timeoutMs: number, signal: AbortSignal | undefined): Promise<void>
  close(): void
}

function watchDirectory(path: string): DirectoryChanges {
  let wake = (): void => {}
  let hasChanged = false
  let watcher: FSWatcher | undefined
  try {
    watcher = watch(path, () => {
      hasChanged = true
      wake()
    })
    watcher.on('error', () => {})
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
  return {
    next: (timeoutMs, signal) =>
      new Promise((resolve) => {
        // A change between two calls must not be slept over.
        if (hasChanged) {
          hasChanged = false
          resolve()
          return
        }
        const timer = setTimeout(() => wake(), timeoutMs)
        const done = (): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', done)
          hasChanged = false
          resolve()
        }
        wake = done
        signal?.addEventListener('abort', done, { once: true })
      }),
    close: () => watcher?.close(),
  }
}
