import type { ContainerRecord } from '../store/containers.ts'
import { listEvents } from '../store/events.ts'
import type { ContainerStores } from './stores.ts'

/**
 * The exit code that the journal has of the container's end: also of one that was removed.
 *
 * @param record  as it was when the container ran
 */
export function exitCodeOnRecord(
  stores: ContainerStores,
  record: ContainerRecord,
): number | undefined {
  const sinceUs = (record.startedAt ?? record.createdAt).getTime() * 1000
  const death = listEvents(stores.database, { namespace: record.namespace, sinceUs }).find(
    ({ action, actorId }) => action === 'die' && actorId === record.id,
  )
  return death === undefined ? record.exitCode : Number(death.attributes.exitCode)
}
