import { TsctrError } from '../../errors.ts'
import { checkAddress6 } from '../../network/allocate-address6.ts'
import { declareDefaultNetwork } from '../../network/default-network.ts'
import { parseAddress, parseSubnet, sizeOf } from '../../network/ipv4.ts'
import { defaultNetworkName } from '../../network/network-name.ts'
import { type Network, resolveNetwork } from '../../network/networks.ts'
import type { NetworkAttachment } from '../config.ts'
import type { NetworkStores } from './create-network.ts'

/**
 * Networks as a user named them, found, by their names.
 *
 * @throws  NOT_FOUND; INVALID_ARGUMENT if one is named twice, or an address is none of its network
 */
export async function checkAttachments(
  stores: NetworkStores,
  attachments: readonly NetworkAttachment[],
): Promise<NetworkAttachment[]> {
  const found: NetworkAttachment[] = []
  for (const attachment of attachments) {
    const network = await find(stores, attachment.name)
    if (found.some(({ name }) => name === network.name)) {
      throw new TsctrError('INVALID_ARGUMENT', `network ${network.name}: is named twice`)
    }
    if (attachment.address !== undefined) checkAddress(network, attachment.address)
    if (attachment.address6 !== undefined) checkAddress6(network, attachment.address6)
    if (attachment.macAddress !== undefined && network.driver === 'ipvlan') {
      const message = `network ${network.name}: ipvlan takes no hardware address, it has its parent’s`
      throw new TsctrError('INVALID_ARGUMENT', message)
    }
    found.push({ ...attachment, name: network.name })
  }
  return found
}

async function find({ database, dataRoot }: NetworkStores, name: string): Promise<Network> {
  if (name === defaultNetworkName) return declareDefaultNetwork(database, dataRoot)
  return resolveNetwork(database, name)
}

function checkAddress(network: Network, address: string): void {
  if (network.name === defaultNetworkName) {
    const message = `address ${address}: the default network’s subnet may change, and its addresses with it`
    throw new TsctrError('INVALID_ARGUMENT', message, { hint: 'tsctr network create --subnet' })
  }
  const { base, prefixLength } = parseSubnet(network.subnet)
  const offset = parseAddress(address) - base
  const isInside = offset > 0 && offset < sizeOf(prefixLength) - 1
  if (isInside && address !== network.gateway) return
  const message = `address ${address}: not one of ${network.subnet} for containers of network ${network.name}`
  throw new TsctrError('INVALID_ARGUMENT', message)
}
