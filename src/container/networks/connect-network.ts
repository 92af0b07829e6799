import { TsctrError } from '../../errors.ts'
import { writeTransaction } from '../../host/database.ts'
import { commitEndpoints, endpointsOf } from '../../network/addresses.ts'
import { releaseEndpoint } from '../../network/endpoint.ts'
import { findNetwork, resolveNetwork } from '../../network/networks.ts'
import { bundleOf } from '../../runtime/bundle.ts'
import {
  type ContainerRecord,
  findContainer,
  getContainer,
  updateContainer,
} from '../../store/containers.ts'
import { asConfig, type NetworkAttachment } from '../config.ts'
import { withContainerLock } from '../lock.ts'
import { isRunning } from '../observe.ts'
import { settleLocked } from '../settle.ts'
import type { ContainerStores } from '../stores.ts'
import { attachmentsOf } from './attachments.ts'
import { checkAttachments } from './check-attachments.ts'
import { refreshHostNames } from './host-names.ts'
import { plugIn, takeAddress } from './join-networks.ts'
import { redirect } from './move-ports.ts'
import { recordNetworkEvent } from './network-event.ts'

/**
 * Put a container into a network, at once if it runs, and from its next start on.
 *
 * @throws  NOT_FOUND; ALREADY_EXISTS if it is in it; FAILED_PRECONDITION if it has no network of its
 *          own, or the address is taken
 * Source: docker network connect
 */
export async function connectNetwork(
  stores: ContainerStores,
  request: { readonly container: string; readonly attachment: NetworkAttachment },
): Promise<void> {
  const { database } = stores
  await changeNetworks(stores, request.container, async (record) => {
    const config = asConfig(record.config)
    const [attachment] = await checkAttachments(stores, [request.attachment])
    if (attachment === undefined) throw new Error('bug: an attachment is gone')
    const { name } = attachment
    if (attachmentsOf(config).some((one) => one.name === name)) {
      const message = `container ${record.name}: is in network ${name} already`
      throw new TsctrError('ALREADY_EXISTS', message)
    }
    const networks = [...attachmentsOf(config), attachment]
    if (!isRunning(record) || record.process === undefined) {
      return recordNetworks(stores, record, { networks, changed: name, action: 'connect' })
    }
    const owner = record.process
    const netnsPath = bundleOf(stores.stateRoot, record.namespace, record.id).netns
    const joined = await takeAddress(stores, { containerId: record.id, netnsPath }, attachment)
    try {
      await plugIn(stores, joined, netnsPath, { hasDefaultRoute: false, hasPorts: false })
      writeTransaction(database, () => {
        recordNetworks(stores, record, { networks, changed: name, action: 'connect' })
        commitEndpoints(database, record.id, owner)
      })
    } catch (error) {
      await releaseEndpoint(database, joined.endpoint)
      throw error
    }
    await redirect(stores, { ...record, config: { ...config, networks } }, { netnsPath, owner })
    await refreshHostNames(stores, [name])
  })
}

/**
 * Take a container out of a network, at once if it runs, and from its next start on.
 *
 * @throws  NOT_FOUND if it is not in it
 * Source: docker network disconnect
 */
export async function disconnectNetwork(
  stores: ContainerStores,
  request: { readonly container: string; readonly network: string },
): Promise<void> {
  const { database } = stores
  await changeNetworks(stores, request.container, async (record) => {
    const config = asConfig(record.config)
    const name = nameIn(record, request.network, stores)
    const networks = attachmentsOf(config).filter((one) => one.name !== name)
    const endpoint = endpointsOf(database, record.id).find((one) => one.networkName === name)
    if (networks.length === attachmentsOf(config).length && endpoint === undefined) {
      throw new TsctrError('NOT_FOUND', `container ${record.name}: is not in network ${name}`)
    }
    recordNetworks(stores, record, { networks, changed: name, action: 'disconnect' })
    if (endpoint === undefined) return
    await releaseEndpoint(database, endpoint)
    const owner = record.process
    if (isRunning(record) && owner !== undefined) {
      const netnsPath = bundleOf(stores.stateRoot, record.namespace, record.id).netns
      await redirect(stores, { ...record, config: { ...config, networks } }, { netnsPath, owner })
    }
    await refreshHostNames(stores, [name, ...networks.map((one) => one.name)])
  })
}

async function changeNetworks(
  stores: ContainerStores,
  name: string,
  change: (record: ContainerRecord) => Promise<void> | void,
): Promise<void> {
  const { id } = findContainer(stores.database, stores.namespace, name)
  await withContainerLock(stores, id, async (found) => {
    await settleLocked(stores, found)
    const record = getContainer(stores.database, id)
    if (record === undefined) {
      throw new TsctrError('NOT_FOUND', `container ${name}: no such container`)
    }
    const { networkMode } = asConfig(record.config)
    if (networkMode !== 'bridge') {
      const message = `container ${name}: has no networks of its own, but ${networkMode}`
      throw new TsctrError('FAILED_PRECONDITION', message)
    }
    await change(record)
  })
}

function recordNetworks(
  { database, namespace }: ContainerStores,
  record: ContainerRecord,
  {
    networks,
    changed,
    action,
  }: {
    readonly networks: readonly NetworkAttachment[]
    readonly changed: string
    readonly action: 'connect' | 'disconnect'
  },
): void {
  writeTransaction(database, () => {
    updateContainer(database, record.id, { config: { ...asConfig(record.config), networks } })
    const network = findNetwork(database, changed)
    if (network === undefined) return
    recordNetworkEvent(database, namespace, { network, action, containerId: record.id })
  })
}

/** The name of a network that a user means; one that was removed is known to the container still. */
function nameIn(record: ContainerRecord, text: string, { database }: ContainerStores): string {
  const isKnown = attachmentsOf(asConfig(record.config)).some(({ name }) => name === text)
  return isKnown ? text : resolveNetwork(database, text).name
}
