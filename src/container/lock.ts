import { mkdirSync } from 'node:fs'
import { isErrno, TsctrError } from '../errors.ts'
import { type FileLock, lockFile } from '../host/file-lock.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { type ContainerRecord, getContainer } from '../store/containers.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Do something to a container while nobody else changes its life.
 *
 * @param body  gets the record as it is under the lock
 * @throws      NOT_FOUND if the container was removed while waiting
 */
export async function withContainerLock<T>(
  stores: ContainerStores,
  id: string,
  body: (record: ContainerRecord) => Promise<T>,
): Promise<T> {
  const lock = await openLock(stores, id)
  try {
    const record = getContainer(stores.database, id)
    if (record === undefined) throw removed(id)
    return await body(record)
  } finally {
    lock.release()
  }
}

async function openLock(stores: ContainerStores, id: string): Promise<FileLock> {
  const { lock, directory } = containerFiles(stores.dataRoot, id)
  try {
    return await lockFile(lock)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    // The row comes before the directory: its maker may have been killed in between.
    if (getContainer(stores.database, id)?.state !== 'creating') throw removed(id)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return await lockFile(lock)
  }
}

function removed(id: string): TsctrError {
  return new TsctrError('NOT_FOUND', `container ${id.slice(0, 12)}: no such container`)
}
