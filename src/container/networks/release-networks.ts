import { releaseEndpoints } from '../../network/endpoint.ts'
import { portsOf } from '../../network/ports.ts'
import { releasePorts } from '../../network/publish.ts'
import type { ContainerStores } from '../stores.ts'

/** Give back a container's ports and its places in networks. What is gone already is no error. */
export async function releaseNetworks(
  { database }: Pick<ContainerStores, 'database'>,
  containerId: string,
): Promise<void> {
  await releasePorts(database, portsOf(database, containerId))
  await releaseEndpoints(database, containerId)
}
