import { TsctrError } from '../../errors.ts'
import { writeTransaction } from '../../host/database.ts'
import { isAlive } from '../../host/owner.ts'
import { endpointsIn } from '../../network/addresses.ts'
import { interfacesNamed, takeDownBridge } from '../../network/bridge.ts'
import { userBridgePrefix } from '../../network/default-network.ts'
import { releaseEndpoint } from '../../network/endpoint.ts'
import { lockHostNetwork } from '../../network/host-network-lock.ts'
import { reservedNetworkNames } from '../../network/network-name.ts'
import {
  deleteNetwork,
  listNetworks,
  type Network,
  resolveNetwork,
} from '../../network/networks.ts'
import { portsIn } from '../../network/ports.ts'
import { releasePorts } from '../../network/publish.ts'
import { getContainer } from '../../store/containers.ts'
import type { NetworkStores } from './create-network.ts'
import { recordNetworkEvent } from './network-event.ts'

/**
 * Remove a network that no running container is in.
 *
 * @param name  a name, an id or a start of one
 * @throws      NOT_FOUND; FAILED_PRECONDITION naming who uses it
 */
export async function removeNetwork(stores: NetworkStores, name: string): Promise<void> {
  const { database, namespace } = stores
  if (reservedNetworkNames.includes(name)) {
    throw new TsctrError('FAILED_PRECONDITION', `network ${name}: is predefined and stays`)
  }
  const network = resolveNetwork(database, name)
  await releaseDead(stores, network)
  const lock = await lockHostNetwork()
  try {
    await removeStrayBridges(stores)
    writeTransaction(database, () => {
      refuseUsed(stores, network)
      deleteNetwork(database, network.name)
      recordNetworkEvent(database, namespace, { network, action: 'destroy' })
    })
    if (network.driver === 'bridge') await takeDownBridge(network.bridgeName)
  } finally {
    lock.release()
  }
}

/**
 * Remove the bridges of networks that are recorded no more: whoever removed them was killed on the
 * way. Called with the host network locked.
 */
export async function removeStrayBridges({ database, dataRoot }: NetworkStores): Promise<void> {
  const present = interfacesNamed(userBridgePrefix(dataRoot))
  if (present.length === 0) return
  const known = new Set(listNetworks(database).map(({ bridgeName }) => bridgeName))
  for (const name of present) if (!known.has(name)) await takeDownBridge(name)
}

async function releaseDead({ database }: NetworkStores, { name }: Network): Promise<void> {
  const ports = portsIn(database, name).filter(({ owner }) => !isAlive(owner))
  await releasePorts(database, ports)
  const endpoints = endpointsIn(database, name).filter(({ owner }) => !isAlive(owner))
  for (const endpoint of endpoints) await releaseEndpoint(database, endpoint)
}

function refuseUsed({ database }: NetworkStores, { name }: Network): void {
  const ids = endpointsIn(database, name).map(({ containerId }) => containerId)
  if (ids.length === 0) return
  const users = ids.map((id) => getContainer(database, id)?.name ?? id.slice(0, 12))
  throw new TsctrError(
    'FAILED_PRECONDITION',
    `network ${name}: in use by ${users.length === 1 ? 'container' : 'containers'} ${users.join(', ')}`,
    { hint: `tsctr network disconnect ${name} ${users[0]}, or stop it` },
  )
}
