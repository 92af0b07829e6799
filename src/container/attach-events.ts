import { unsyncedTransaction } from '../host/database.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { recordContainerEvent } from './container-event.ts'
import type { ContainerStores } from './stores.ts'

/** Write to the journal that somebody is joined to a container now. */
export function recordAttach(
  stores: Pick<ContainerStores, 'database'>,
  record: ContainerRecord,
): void {
  unsyncedTransaction(stores.database, () =>
    recordContainerEvent(stores.database, record, 'attach'),
  )
}

/** That somebody has left it by keys. */
export function recordDetach(
  stores: Pick<ContainerStores, 'database'>,
  record: ContainerRecord,
): void {
  unsyncedTransaction(stores.database, () =>
    recordContainerEvent(stores.database, record, 'detach'),
  )
}
