import { writeTransaction } from '../../host/database.ts'
import type { Owner } from '../../host/owner.ts'
import { endpointsOf } from '../../network/addresses.ts'
import { allocatePorts, portAddress } from '../../network/allocate-ports.ts'
import { defaultRoutes, openIpv6Path } from '../../network/endpoint.ts'
import { runInNetworkNamespace } from '../../network/network-namespace.ts'
import { ipBatch } from '../../network/network-programs.ts'
import { findNetwork } from '../../network/networks.ts'
import { deletePort, insertPort, portsOf } from '../../network/ports.ts'
import { publishPorts, releasePorts } from '../../network/publish.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import { asConfig } from '../config.ts'
import { imageProcessOf } from '../image-process.ts'
import type { ContainerStores } from '../stores.ts'
import { type Joined, wayOutside } from './join-networks.ts'
import { wantedPorts } from './wanted-ports.ts'

/**
 * After a running container has got or lost a network: its way outside, and its ports, go through
 * the first of those it has now.
 */
export async function redirect(
  stores: ContainerStores,
  record: ContainerRecord,
  { netnsPath, owner }: { readonly netnsPath: string; readonly owner: Owner },
): Promise<void> {
  const { database } = stores
  const joined = endpointsOf(database, record.id).flatMap((endpoint): Joined[] => {
    const network = findNetwork(database, endpoint.networkName)
    return network === undefined ? [] : [{ endpoint, network }]
  })
  const way = wayOutside(joined)
  const ports = portsOf(database, record.id)
  if (way === undefined) return releasePorts(database, ports)
  const { networkName } = way.endpoint
  const commands = defaultRoutes(way.endpoint, 'replace')
  await runInNetworkNamespace(netnsPath, () => ipBatch(commands))
  if (way.network.driver !== 'bridge') return releasePorts(database, ports)
  await openIpv6Path(way.endpoint, { network: way.network, netnsPath })
  if (ports.length === 0) {
    const wanted = wantedPorts(asConfig(record.config), imageProcessOf(stores, record))
    await publishPorts(database, await allocatePorts(database, wanted, { ...way, owner }))
    return
  }
  if (ports.every((port) => port.networkName === networkName)) return
  const moved = ports.map((port) => ({
    ...port,
    networkName,
    address: portAddress(way.endpoint, way.network, port.hostAddress),
  }))
  await releasePorts(database, ports)
  writeTransaction(database, () => {
    for (const port of moved) {
      deletePort(database, port)
      insertPort(database, port)
    }
  })
  await publishPorts(database, moved)
}
