import { randomBytes } from 'node:crypto'
import { TsctrError } from '../../errors.ts'
import { type Database, writeTransaction } from '../../host/database.ts'
import { bringUpBridge, takeDownBridge } from '../../network/bridge.ts'
import { userBridgePrefix } from '../../network/default-network.ts'
import { lockHostNetwork } from '../../network/host-network-lock.ts'
import { reservedNetworkNames } from '../../network/network-name.ts'
import { optionsOf } from '../../network/network-options.ts'
import { deleteNetwork, findNetwork, insertNetwork, type Network } from '../../network/networks.ts'
import { requireParent } from '../../network/sub-interface.ts'
import { checkAddressing } from '../../network/subnets.ts'
import { checkAddressing6 } from '../../network/subnets6.ts'
import type { ContainerStores } from '../stores.ts'
import { recordNetworkEvent } from './network-event.ts'
import { type AddressRequest, planAddresses } from './plan-addresses.ts'
import { removeStrayBridges } from './remove-network.ts'

export interface NetworkRequest extends AddressRequest {
  readonly name: string
  readonly driver: 'bridge' | 'macvlan' | 'ipvlan'
  readonly isInternal: boolean
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

export type NetworkStores = Pick<ContainerStores, 'database' | 'dataRoot' | 'namespace'>

/**
 * Make a network and its bridge.
 *
 * @returns  its id
 * @throws   ALREADY_EXISTS; FAILED_PRECONDITION if something else is in the subnet; nothing is left
 */
export async function createNetwork(
  stores: NetworkStores,
  request: NetworkRequest,
): Promise<string> {
  const { database, namespace } = stores
  if (reservedNetworkNames.includes(request.name)) {
    const message = `network ${request.name}: is predefined, its name cannot be given to another`
    throw new TsctrError('ALREADY_EXISTS', message)
  }
  refuseForeignOptions(request)
  const lock = await lockHostNetwork()
  try {
    await removeStrayBridges(stores)
    if (findNetwork(database, request.name) !== undefined) {
      throw new TsctrError('ALREADY_EXISTS', `network ${request.name}: exists already`)
    }
    const network = networkOf(stores, request)
    if (network.driver !== 'bridge') requireParent(network)
    checkAddressing(database, network)
    checkAddressing6(database, network)
    writeTransaction(database, () => {
      insertNetwork(database, network)
      recordNetworkEvent(database, namespace, { network, action: 'create' })
    })
    try {
      if (network.driver === 'bridge') await bringUpBridge(database, network)
    } catch (error) {
      await undo(database, namespace, network)
      throw error
    }
    return network.id
  } finally {
    lock.release()
  }
}

function networkOf({ database, dataRoot }: NetworkStores, request: NetworkRequest): Network {
  const id = randomBytes(32).toString('hex')
  const { name, isInternal, options, labels } = request
  const bridgeName = userBridgePrefix(dataRoot) + id.slice(0, 8)
  return {
    name,
    id,
    driver: request.driver,
    bridgeName,
    ...planAddresses(database, { name, id, bridgeName }, request),
    isInternal,
    mtu: 1500,
    options,
    labels,
    lastAddress: undefined,
    lastAddress6: undefined,
    applied: undefined,
    rulesDigest: undefined,
    createdAt: new Date(),
  }
}

function refuseForeignOptions({ name, driver, options }: NetworkRequest): void {
  const foreign = Object.keys(options).find((key) => !optionsOf[driver].includes(key))
  if (foreign === undefined) return
  const message = `network ${name}: --opt ${foreign} means nothing to driver ${driver}`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

async function undo(database: Database, namespace: string, network: Network): Promise<void> {
  writeTransaction(database, () => {
    deleteNetwork(database, network.name)
    recordNetworkEvent(database, namespace, { network, action: 'destroy' })
  })
  // A failure of cleaning up must not replace what went wrong; the next command finds what is left.
  if (network.driver === 'bridge') await takeDownBridge(network.bridgeName).catch(() => {})
}
