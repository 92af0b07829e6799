import { TsctrError } from '../errors.ts'
import { pauseRuntime, type Runtime, resumeRuntime, runtimeOf } from '../runtime/runc.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { recordContainerEvent } from './container-event.ts'
import { isPaused } from './is-paused.ts'
import { withContainerLock } from './lock.ts'
import { isRunning } from './observe.ts'
import { settled } from './settled.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Freeze all processes of a container.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION if it does not run or is paused already
 * Source: docker pause
 */
export async function pauseContainer(stores: ContainerStores, name: string): Promise<void> {
  await whileRunning(stores, name, async (record, runtime) => {
    if (isPaused(record)) {
      throw new TsctrError('FAILED_PRECONDITION', `container ${name}: is already paused`)
    }
    if (!(await pauseRuntime(runtime, record.id))) throw notRunning(name)
    recordContainerEvent(stores.database, record, 'pause')
  })
}

/**
 * Let the processes of a paused container go on.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION if it is not paused
 * Source: docker unpause
 */
export async function unpauseContainer(stores: ContainerStores, name: string): Promise<void> {
  await whileRunning(stores, name, async (record, runtime) => {
    if (!isPaused(record)) {
      throw new TsctrError('FAILED_PRECONDITION', `container ${name}: is not paused`)
    }
    await resumeRuntime(runtime, record.id)
    recordContainerEvent(stores.database, record, 'unpause')
  })
}

function notRunning(name: string): TsctrError {
  return new TsctrError('FAILED_PRECONDITION', `container ${name}: is not running`)
}

async function whileRunning(
  stores: ContainerStores,
  name: string,
  body: (record: ContainerRecord, runtime: Runtime) => Promise<void>,
): Promise<void> {
  const { id } = await settled(stores, name)
  await withContainerLock(stores, id, async (record) => {
    if (!isRunning(record)) throw notRunning(name)
    await body(record, runtimeOf(stores.stateRoot, record.namespace, record.runtime))
  })
}
