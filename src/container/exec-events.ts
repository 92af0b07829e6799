import { mkdirSync } from 'node:fs'
import { unsyncedTransaction } from '../host/database.ts'
import { endedExecsDirectory, forgetEndedExec, readEndedExecs } from '../runtime/ended-execs.ts'
import { type ContainerRecord, getContainer } from '../store/containers.ts'
import type { EventSource } from '../store/follow-events.ts'
import { recordContainerEvent } from './container-event.ts'
import type { ContainerStores } from './stores.ts'

type EventStores = Pick<ContainerStores, 'database' | 'stateRoot'>

/** The directory where what stands beside a program leaves how it ended. */
export function openEndedExecs({ stateRoot }: EventStores): string {
  const directory = endedExecsDirectory(stateRoot)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return directory
}

/**
 * Write to the journal that a program begins in a container, and which have ended before. Whoever
 * sees to its end is there by now, so that what has begun in the journal ends there.
 *
 * Source: moby daemon/exec.go
 */
export function recordExecBegin(
  stores: EventStores,
  record: ContainerRecord,
  exec: { readonly id: string; readonly args: readonly string[] },
): void {
  const command = exec.args.join(' ')
  const further = { execID: exec.id }
  unsyncedTransaction(stores.database, () => {
    takeAll(stores)
    recordContainerEvent(stores.database, record, `exec_create: ${command}`, further)
    recordContainerEvent(stores.database, record, `exec_start: ${command}`, further)
  })
}

/** Its caller has left by keys; the program goes on. */
export function recordExecDetach(
  stores: EventStores,
  record: ContainerRecord,
  execId: string,
): void {
  unsyncedTransaction(stores.database, () =>
    recordContainerEvent(stores.database, record, 'exec_detach', { execID: execId }),
  )
}

/** What `events` follows beside the journal. */
export function endedExecs(stores: EventStores): EventSource {
  return { directory: openEndedExecs(stores), take: () => takeEndedExecs(stores) }
}

/** Write to the journal which programs have ended; whoever reads it or adds to it does this first. */
function takeEndedExecs(stores: EventStores): void {
  if (readEndedExecs(stores.stateRoot).length === 0) return
  unsyncedTransaction(stores.database, () => takeAll(stores))
}

/** In a transaction, so that no other process takes the same. */
function takeAll({ database, stateRoot }: EventStores): void {
  for (const { execId, containerId, exitCode, endedAtUs } of readEndedExecs(stateRoot)) {
    const record = getContainer(database, containerId)
    if (record !== undefined) {
      const code = exitCode === undefined ? {} : { exitCode: String(exitCode) }
      recordContainerEvent(database, record, 'exec_die', { execID: execId, ...code }, endedAtUs)
    }
    forgetEndedExec(stateRoot, execId)
  }
}
