import { randomBytes } from 'node:crypto'
import { TsctrError } from '../errors.ts'
import { type Database, writeTransaction } from '../host/database.ts'
import { bootId, isAlive, type Owner } from '../host/owner.ts'
import {
  addressesIn,
  type Endpoint,
  endpointsIn,
  endpointsOf,
  insertEndpoint,
  unsettledEndpoints,
} from './addresses.ts'
import { releaseEndpoint } from './endpoint.ts'
import { formatAddress, macAddressOf, parseAddress, parseSubnet, sizeOf } from './ipv4.ts'
import { findNetwork, type Network, recordLastAddress } from './networks.ts'

export interface AddressRequest {
  readonly networkName: string
  readonly containerId: string
  /** The process that makes the container; what it took is taken back when it dies. */
  readonly owner: Owner
}

/**
 * Take a free address of a network for a container. What the container had there from an earlier
 * run is released first, and so is what dead processes left half-made.
 *
 * @returns  the endpoint, `preparing`
 * @throws   FAILED_PRECONDITION if no address is free
 */
export async function allocateAddress(
  database: Database,
  request: AddressRequest,
): Promise<Endpoint> {
  const { networkName, containerId } = request
  const earlier = endpointsOf(database, containerId).filter((it) => it.networkName === networkName)
  const abandoned = unsettledEndpoints(database, bootId()).filter(({ owner }) => !isAlive(owner))
  for (const endpoint of [...earlier, ...abandoned]) await releaseEndpoint(database, endpoint)
  const endpoint = take(database, request) ?? (await takeFromDead(database, request))
  if (endpoint !== undefined) return endpoint
  throw new TsctrError('FAILED_PRECONDITION', `network ${networkName}: no address is free`, {
    hint: 'remove containers that are not needed',
  })
}

/**
 * Owners of committed addresses are not looked at on every run: that costs a file for each running
 * container, and the container's own end releases them. A full network is worth the look.
 */
async function takeFromDead(
  database: Database,
  request: AddressRequest,
): Promise<Endpoint | undefined> {
  const dead = endpointsIn(database, request.networkName).filter(({ owner }) => !isAlive(owner))
  for (const endpoint of dead) await releaseEndpoint(database, endpoint)
  return take(database, request)
}

function take(
  database: Database,
  { networkName, containerId, owner }: AddressRequest,
): Endpoint | undefined {
  return writeTransaction(database, () => {
    const network = findNetwork(database, networkName)
    if (network === undefined) {
      throw new TsctrError('NOT_FOUND', `network ${networkName}: no such network`)
    }
    const address = nextFree(network, new Set(addressesIn(database, networkName)))
    if (address === undefined) return undefined
    recordLastAddress(database, networkName, formatAddress(address))
    const endpoint: Endpoint = {
      networkName,
      containerId,
      address: formatAddress(address),
      prefixLength: parseSubnet(network.subnet).prefixLength,
      gateway: network.gateway,
      macAddress: macAddressOf(address),
      interfaceName: nextInterface(endpointsOf(database, containerId)),
      hostInterface: `veth${randomBytes(6).toString('hex').slice(1)}`,
      state: 'preparing',
      owner,
    }
    insertEndpoint(database, endpoint)
    return endpoint
  })
}

/**
 * The first free address after the one given out last, round and round: an address that was just
 * given back rests, since connections to its last holder may still be open.
 */
function nextFree(network: Network, taken: ReadonlySet<string>): number | undefined {
  const { base, prefixLength } = parseSubnet(network.subnet)
  const size = sizeOf(prefixLength)
  const gateway = parseAddress(network.gateway)
  const last = network.lastAddress === undefined ? 0 : parseAddress(network.lastAddress) - base
  // The subnet may have been another then.
  const start = last > 0 && last < size ? last : 0
  for (let step = 1; step <= size; step++) {
    const offset = (start + step) % size
    const address = base + offset
    // The first address is the subnet's name, the last its broadcast address.
    const isForHosts = offset !== 0 && offset !== size - 1 && address !== gateway
    if (isForHosts && !taken.has(formatAddress(address))) return address
  }
  return undefined
}

function nextInterface(endpoints: readonly Endpoint[]): string {
  const used = endpoints.map(({ interfaceName }) => interfaceName)
  let index = 0
  while (used.includes(`eth${index}`)) index++
  return `eth${index}`
}
