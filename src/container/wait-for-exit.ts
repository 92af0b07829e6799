import { isAlive } from '../host/owner.ts'
import { watchDirectory } from '../host/watch-directory.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { type ExitStatus, readExitStatus } from '../runtime/exit-status.ts'
import type { ContainerRecord } from '../store/containers.ts'
import type { ContainerStores } from './stores.ts'

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
  /** A monitor that was killed writes nothing: it is looked for this often; half a second. */
  readonly lookEveryMs?: number | undefined
}

/**
 * Wait until conmon has written a container's exit status.
 *
 * @returns  undefined if no status will come: the monitor is dead, or the container was removed
 */
export async function waitForExit(
  stores: ContainerStores,
  record: ContainerRecord,
  { signal, lookEveryMs = 500 }: WaitOptions = {},
): Promise<ExitStatus | undefined> {
  const files = containerFiles(stores.dataRoot, record.id)
  const changes = watchDirectory(files.directory)
  try {
    for (;;) {
      signal?.throwIfAborted()
      const wasMonitored = record.monitor !== undefined && isAlive(record.monitor)
      const status = readExitStatus(files.exit)
      if (status !== undefined || !wasMonitored) return status
      await changes.next(lookEveryMs, signal)
    }
  } finally {
    changes.close()
  }
}
