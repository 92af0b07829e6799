import { hasCode, TsctrError } from '../errors.ts'
import { unsyncedTransaction, writeTransaction } from '../host/database.ts'
import { selfAsOwner } from '../host/owner.ts'
import { removeWhileWritten } from '../host/remove-while-written.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { deleteRuntime, runtimeOf } from '../runtime/runc.ts'
import {
  type ContainerRecord,
  deleteContainer,
  findContainer,
  getContainer,
  updateContainer,
} from '../store/containers.ts'
import { touchImage } from '../store/images.ts'
import { ownAnonymousVolumes } from '../store/volumes.ts'
import { removeVolume } from '../volume/remove-volume.ts'
import { recordContainerEvent } from './container-event.ts'
import { endMonitor } from './end-monitor.ts'
import { withContainerLock } from './lock.ts'
import { isRunning } from './observe.ts'
import { releaseRun } from './release-run.ts'
import { killedExitCode, settleLocked } from './settle.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Remove a container and everything that is its own: snapshot, log, files.
 *
 * @param isForced  kill it first if it runs
 * @throws          NOT_FOUND, FAILED_PRECONDITION if it runs and is not forced
 */
export async function removeContainer(
  stores: ContainerStores,
  request: {
    readonly name: string
    readonly isForced: boolean
    /** Its anonymous volumes too. */
    readonly removesVolumes: boolean
  },
): Promise<void> {
  const { id } = findContainer(stores.database, stores.namespace, request.name)
  await withContainerLock(stores, id, async (found) => {
    await settleLocked(stores, found)
    const record = getContainer(stores.database, id)
    // One that was to be removed when it ended is gone by now.
    if (record === undefined) return
    if (isRunning(record) && !request.isForced) {
      throw new TsctrError('FAILED_PRECONDITION', `container ${request.name}: is running`, {
        hint: `tsctr stop ${request.name}, or tsctr rm -f ${request.name}`,
      })
    }
    await removeLocked(stores, record, request)
  })
}

/**
 * Remove a container for a caller that holds its lock, whatever state it is in. An interrupted
 * removal is finished by the next: the row goes last.
 */
export async function removeLocked(
  stores: ContainerStores,
  record: ContainerRecord,
  { removesVolumes }: { readonly removesVolumes: boolean },
): Promise<void> {
  // A snapshot's own removal is synced before its directory goes, and this with it.
  const transaction = record.snapshotKey === undefined ? writeTransaction : unsyncedTransaction
  transaction(stores.database, () =>
    updateContainer(stores.database, record.id, { state: 'removing', owner: selfAsOwner() }),
  )
  await deleteRuntime(runtimeOf(stores.stateRoot, record.namespace, record.runtime), record.id)
  endMonitor(record)
  await releaseRun(stores, record)
  if (record.snapshotKey !== undefined) {
    try {
      stores.snapshots.remove(record.snapshotKey)
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error
    }
  }
  removeWhileWritten(containerFiles(stores.dataRoot, record.id).directory)
  const volumes = removesVolumes ? ownAnonymousVolumes(stores.database, record.id) : []
  unsyncedTransaction(stores.database, () => {
    if (!deleteContainer(stores.database, record.id)) return
    // Its image was in use until now, however long ago the container was made.
    touchImage(stores.database, record.namespace, record.imageName)
    if (record.state === 'running') {
      recordContainerEvent(stores.database, record, 'kill', { signal: '9' })
      recordContainerEvent(stores.database, record, 'die', { exitCode: String(killedExitCode) })
    }
    recordContainerEvent(stores.database, record, 'destroy')
  })
  for (const volume of volumes) removeVolume(stores, volume)
}
