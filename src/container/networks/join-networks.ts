import type { Database } from '../../host/database.ts'
import { selfAsOwner } from '../../host/owner.ts'
import { traced } from '../../host/trace.ts'
import type { Endpoint } from '../../network/addresses.ts'
import { allocateAddress } from '../../network/allocate-address.ts'
import { allocatePorts, type PortRequest } from '../../network/allocate-ports.ts'
import { connectEndpoint } from '../../network/endpoint.ts'
import { ensureBridge, ensureNetwork } from '../../network/ensure-network.ts'
import { createNetworkNamespace } from '../../network/network-namespace.ts'
import type { Network } from '../../network/networks.ts'
import type { PublishedPort } from '../../network/ports.ts'
import { publishPorts } from '../../network/publish.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import { asConfig, type NetworkAttachment } from '../config.ts'
import { imageProcessOf } from '../image-process.ts'
import type { ContainerStores } from '../stores.ts'
import { attachmentsOf } from './attachments.ts'
import { wantedPorts } from './wanted-ports.ts'

/** A container's place in one of its networks. */
export interface Joined {
  readonly endpoint: Endpoint
  readonly network: Network
}

/** What a container has of its networks. */
export interface JoinedNetworks {
  /** In the order of its interfaces. */
  readonly joined: readonly Joined[]
  /** Have the interfaces made and the ports published: to be done before the program starts. */
  plugIn(): Promise<void>
}

/**
 * Make a container's network namespace and plug it into all of its networks; its ports are
 * published where the first of them leads outside.
 *
 * What is made is recorded first, so that releaseNetworks finds it whatever happens in between.
 *
 * @throws  FAILED_PRECONDITION if a port or an address is taken, NOT_FOUND if a network is gone
 */
export async function joinNetworks(
  stores: ContainerStores,
  record: ContainerRecord,
  netnsPath: string,
): Promise<JoinedNetworks> {
  const config = asConfig(record.config)
  const joined: Joined[] = []
  for (const attachment of attachmentsOf(config)) {
    joined.push(await takeAddress(stores, { containerId: record.id, netnsPath }, attachment))
  }
  const way = wayOutside(joined)
  const wanted = wantedPorts(config, imageProcessOf(stores, record))
  const ports = await takePorts(stores.database, way, wanted)
  createNetworkNamespace(netnsPath)
  const plugInAll = async (): Promise<void> => {
    for (const one of joined) {
      const isWay = one === way
      await plugIn(stores, one, netnsPath, {
        hasDefaultRoute: isWay,
        hasPorts: isWay && ports.length > 0,
      })
    }
    await publishPorts(stores.database, ports)
  }
  return { joined, plugIn: () => traced('plug into the networks', plugInAll) }
}

/** Take the ports of a container, if the way leads over a bridge of ours: others publish none. */
async function takePorts(
  database: Database,
  way: Joined | undefined,
  wanted: readonly PortRequest[],
): Promise<PublishedPort[]> {
  if (way?.network.driver !== 'bridge') return []
  return allocatePorts(database, wanted, { ...way, owner: selfAsOwner() })
}

/**
 * Take an address for a container in a network, which is brought up if need be; whether its rules
 * are in place is not looked at.
 */
export async function takeAddress(
  stores: ContainerStores,
  place: { readonly containerId: string; readonly netnsPath: string },
  { name, ...wishes }: NetworkAttachment,
): Promise<Joined> {
  const network = await ensureBridge(stores.database, name, { dataRoot: stores.dataRoot })
  const endpoint = await allocateAddress(stores.database, {
    networkName: name,
    ...place,
    owner: selfAsOwner(),
    ...wishes,
  })
  return { network, endpoint }
}

/** Plug a container into a network whose address it has; the network's rules come first. */
export async function plugIn(
  { database, dataRoot }: ContainerStores,
  { endpoint, network }: Joined,
  netnsPath: string,
  use: { readonly hasDefaultRoute: boolean; readonly hasPorts: boolean },
): Promise<void> {
  await ensureNetwork(database, network.name, { dataRoot })
  await connectEndpoint(endpoint, { network, netnsPath, ...use })
}

/** The network that a container's packets to elsewhere go through, and those to its ports. */
export function wayOutside(joined: readonly Joined[]): Joined | undefined {
  return joined.find(({ network }) => !network.isInternal)
}
