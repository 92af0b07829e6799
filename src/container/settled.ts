import { type ContainerRecord, findContainer, getContainer } from '../store/containers.ts'
import { needsSettling } from './observe.ts'
import type { ContainerStores } from './stores.ts'

/** The container a user means, with a record that is true now. @throws NOT_FOUND */
export async function settled(stores: ContainerStores, name: string): Promise<ContainerRecord> {
  const record = findContainer(stores.database, stores.namespace, name)
  if (!needsSettling(record)) return record
  // Rare, and what it takes to settle a container is most of the program.
  const { settleContainer } = await import('./settle.ts')
  await settleContainer(stores, record.id)
  return (
    getContainer(stores.database, record.id) ??
    findContainer(stores.database, stores.namespace, name)
  )
}
