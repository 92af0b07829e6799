import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { isAlive } from '../host/owner.ts'
import { beginNewLog } from '../runtime/begin-new-log.ts'
import { bundleOf } from '../runtime/bundle.ts'
import { logFileNames } from '../runtime/log-files.ts'
import { findContainer } from '../store/containers.ts'
import { withContainerLock } from './lock.ts'
import { logTargetOf } from './log-target.ts'
import { notLogged } from './logs.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Forget what a container has written until now; it may run, and goes on.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION if its output is not logged
 */
export async function clearLogs(stores: ContainerStores, name: string): Promise<void> {
  const { id } = findContainer(stores.database, stores.namespace, name)
  await withContainerLock(stores, id, async (record) => {
    const { path, maxFiles } = logTargetOf(stores.dataRoot, record)
    if (path === undefined) throw notLogged(name)
    const files = logFileNames(path, maxFiles).flatMap(openIfThere)
    try {
      // The file is emptied when nothing more is written to it: the monitor, which does not
      // append, would go on at its old place and leave a hole.
      if (files.length > 0 && record.monitor !== undefined && isAlive(record.monitor)) {
        const { controlFifo } = bundleOf(stores.stateRoot, record.namespace, id)
        await beginNewLog(controlFifo, path)
      }
      // Emptied, not removed: whoever keeps the older files may be about to rename them.
      for (const fd of files) ftruncateSync(fd)
    } finally {
      files.forEach(closeSync)
    }
  })
}

function openIfThere(path: string): number[] {
  try {
    return [openSync(path, 'r+')]
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}
