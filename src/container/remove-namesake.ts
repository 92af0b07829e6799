import { hasCode } from '../errors.ts'
import { containerIdOf } from '../store/containers.ts'
import { removeContainer } from './remove.ts'
import type { ContainerStores } from './stores.ts'

/** Remove the container that has a name, running or not; none is no error. Source: podman run --replace */
export async function removeNamesake(
  stores: ContainerStores,
  name: string | undefined,
): Promise<void> {
  // By the name alone: it may look like the beginning of somebody's id.
  const id = name === undefined ? undefined : containerIdOf(stores.database, stores.namespace, name)
  if (id === undefined) return
  try {
    await removeContainer(stores, { name: id, isForced: true, removesVolumes: false })
  } catch (error) {
    // Somebody else was quicker.
    if (!hasCode(error, 'NOT_FOUND')) throw error
  }
}
