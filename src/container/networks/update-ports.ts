import { TsctrError } from '../../errors.ts'
import { writeTransaction } from '../../host/database.ts'
import { endpointsOf } from '../../network/addresses.ts'
import { allocatePorts, isAnyAddress, type PortRequest } from '../../network/allocate-ports.ts'
import { openIpv6Path } from '../../network/endpoint.ts'
import { findNetwork } from '../../network/networks.ts'
import { commitPorts, insertPort, type PublishedPort, portsOf } from '../../network/ports.ts'
import { publishPorts, releasePorts } from '../../network/publish.ts'
import { bundleOf } from '../../runtime/bundle.ts'
import {
  type ContainerRecord,
  findContainer,
  getContainer,
  updateContainer,
} from '../../store/containers.ts'
import { asConfig } from '../config.ts'
import { recordContainerEvent } from '../container-event.ts'
import { withContainerLock } from '../lock.ts'
import { isRunning } from '../observe.ts'
import { settleLocked } from '../settle.ts'
import type { ContainerStores } from '../stores.ts'
import { type Joined, wayOutside } from './join-networks.ts'

export interface PortsUpdate {
  readonly name: string
  readonly add: readonly PortRequest[]
  /** As they were published; without ports of the host all of a container port. */
  readonly remove: readonly PortRequest[]
}

/**
 * Change the ports that a container is published under, at once if it runs, and from its next start
 * on.
 *
 * @throws  NOT_FOUND if a port to remove is not published; FAILED_PRECONDITION if one to add is taken:
 *          nothing is changed then
 */
export async function updatePorts(stores: ContainerStores, request: PortsUpdate): Promise<void> {
  const { database } = stores
  const { id } = findContainer(database, stores.namespace, request.name)
  await withContainerLock(stores, id, async (found) => {
    await settleLocked(stores, found)
    const record = getContainer(database, id)
    if (record === undefined) {
      throw new TsctrError('NOT_FOUND', `container ${request.name}: no such container`)
    }
    const config = asConfig(record.config)
    if (config.networkMode !== 'bridge') {
      const message = `container ${request.name}: has no ports of its own with --network ${config.networkMode}`
      throw new TsctrError('FAILED_PRECONDITION', message)
    }
    const { ports = [] } = config
    refuseUnknown(request, ports)
    const kept = ports.filter((port) => !request.remove.some((wanted) => isMeant(wanted, port)))
    const live = portsOf(database, id)
    const gone = live.filter((port) => request.remove.some((wanted) => isLive(wanted, port)))
    // First, since one to add may be one of them.
    await releasePorts(database, gone)
    try {
      await publishPorts(database, await takePorts(stores, record, request.add))
    } catch (error) {
      await putBack(stores, id, live)
      throw error
    }
    writeTransaction(database, () => {
      updateContainer(database, id, { config: { ...config, ports: [...kept, ...request.add] } })
      if (record.process !== undefined) commitPorts(database, id, record.process)
      recordContainerEvent(database, record, 'update')
    })
  })
}

/** Have a container published under these ports again, and no others. */
async function putBack(
  { database }: ContainerStores,
  id: string,
  ports: readonly PublishedPort[],
): Promise<void> {
  const isOf = (port: PublishedPort, list: readonly PublishedPort[]): boolean =>
    list.some(
      (other) =>
        other.protocol === port.protocol &&
        other.hostAddress === port.hostAddress &&
        other.hostPort === port.hostPort,
    )
  const now = portsOf(database, id)
  await releasePorts(
    database,
    now.filter((port) => !isOf(port, ports)),
  )
  writeTransaction(database, () => {
    for (const port of ports) if (!isOf(port, now)) insertPort(database, port)
  })
  await publishPorts(database, ports)
}

/** Nothing is taken for a container that does not run, or that no network leads out of. */
async function takePorts(
  { database, stateRoot }: ContainerStores,
  record: ContainerRecord,
  requests: readonly PortRequest[],
): Promise<PublishedPort[]> {
  if (!isRunning(record) || record.process === undefined) return []
  const joined = endpointsOf(database, record.id).flatMap((endpoint): Joined[] => {
    const network = findNetwork(database, endpoint.networkName)
    return network === undefined ? [] : [{ endpoint, network }]
  })
  const way = wayOutside(joined)
  if (way?.network.driver !== 'bridge') return []
  const netnsPath = bundleOf(stateRoot, record.namespace, record.id).netns
  await openIpv6Path(way.endpoint, { network: way.network, netnsPath })
  return allocatePorts(database, requests, { ...way, owner: record.process })
}

function refuseUnknown({ name, remove }: PortsUpdate, ports: readonly PortRequest[]): void {
  const unknown = remove.find((wanted) => !ports.some((port) => isMeant(wanted, port)))
  if (unknown === undefined) return
  const { containerPort, protocol } = unknown
  throw new TsctrError(
    'NOT_FOUND',
    `port ${containerPort}/${protocol}: not published so by container ${name}`,
    {
      hint: `tsctr port ${name}`,
    },
  )
}

function isMeant(wanted: PortRequest, port: PortRequest): boolean {
  const { hostPorts, hostAddress } = wanted
  return (
    wanted.containerPort === port.containerPort &&
    wanted.protocol === port.protocol &&
    (hostAddress === undefined || hostAddress === port.hostAddress) &&
    (hostPorts === undefined ||
      (hostPorts.first === port.hostPorts?.first && hostPorts.last === port.hostPorts.last))
  )
}

function isLive(wanted: PortRequest, port: PublishedPort): boolean {
  const { hostPorts, hostAddress } = wanted
  return (
    wanted.containerPort === port.containerPort &&
    wanted.protocol === port.protocol &&
    (hostPorts === undefined ||
      ((hostAddress === undefined
        ? isAnyAddress(port.hostAddress)
        : hostAddress === port.hostAddress) &&
        port.hostPort >= hostPorts.first &&
        port.hostPort <= hostPorts.last))
  )
}
