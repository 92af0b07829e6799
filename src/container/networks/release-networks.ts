import { endpointsOf, networksOf } from '../../network/addresses.ts'
import { releaseEndpoints } from '../../network/endpoint.ts'
import { portsOf } from '../../network/ports.ts'
import { releasePorts } from '../../network/publish.ts'
import type { ContainerStores } from '../stores.ts'
import { refreshHostNames } from './host-names.ts'

/** Whether a container is unplugged from inside its namespace, which has to wait for that. */
export function needsNamespace(
  { database }: Pick<ContainerStores, 'database'>,
  containerId: string,
): boolean {
  return endpointsOf(database, containerId).some(({ driver }) => driver !== 'bridge')
}

/** Give back a container's ports, its places in networks and its names. What is gone already is no error. */
export async function releaseNetworks(
  stores: Pick<ContainerStores, 'database' | 'dataRoot'>,
  containerId: string,
): Promise<void> {
  const { database } = stores
  const networks = networksOf(database, containerId)
  await releasePorts(database, portsOf(database, containerId))
  await releaseEndpoints(database, containerId)
  await refreshHostNames(stores, networks)
}
