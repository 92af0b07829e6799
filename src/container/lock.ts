import { isErrno, TsctrError } from '../errors.ts'
import { lockFile } from '../host/file-lock.ts'
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

async function openLock(stores: ContainerStores, id: string): ReturnType<typeof lockFile> {
  try {
    return await lockFile(containerFiles(stores.dataRoot, id).lock)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw removed(id)
    throw error
  }
}

function removed(id: string): TsctrError {
  return new TsctrError('NOT_FOUND', `container ${id.slice(0, 12)}: no such container`)
}
