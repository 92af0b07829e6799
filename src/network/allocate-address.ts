import { randomBytes } from 'node:crypto'
import { TsctrError } from '../errors.ts'
import { type Database, unsyncedTransaction } from '../host/database.ts'
import { bootId, isAlive, type Owner } from '../host/owner.ts'
import {
  addressesIn,
  type Endpoint,
  endpointsIn,
  endpointsOf,
  type Ipv6Place,
  insertEndpoint,
  unsettledEndpoints,
} from './addresses.ts'
import { exactly6, nextFree6 } from './allocate-address6.ts'
import { releaseEndpoint } from './endpoint.ts'
import { formatAddress, macAddressOf, parseAddress, parseSubnet, sizeOf } from './ipv4.ts'
import { parseSubnet6 } from './ipv6.ts'
import { findNetwork, type Network, recordLastAddresses } from './networks.ts'

export interface AddressRequest {
  readonly networkName: string
  readonly containerId: string
  /** The process that makes the container; what it took is taken back when it dies. */
  readonly owner: Owner
  /** This one and no other. */
  readonly address?: string | undefined
  readonly address6?: string | undefined
  readonly macAddress?: string | undefined
  readonly aliases?: readonly string[] | undefined
  /** Where the container's network namespace is, or will be. */
  readonly netnsPath?: string | undefined
}

/**
 * Take a free address of a network for a container. What the container had there from an earlier
 * run is released first, and so is what dead processes left half-made.
 *
 * @returns  the endpoint, `preparing`
 * @throws   FAILED_PRECONDITION if no address is free, or the one asked for is not
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
  const network = findNetwork(database, networkName)
  const wanted = [request.address, request.address6].find(
    (address) => address !== undefined && addressesIn(database, networkName).includes(address),
  )
  if (wanted !== undefined) {
    const message = `address ${wanted}: already in use in network ${networkName}`
    throw new TsctrError('FAILED_PRECONDITION', message)
  }
  const range = network?.ipRange ?? network?.subnet
  throw new TsctrError(
    'FAILED_PRECONDITION',
    `network ${networkName}: no address of ${range} is free`,
    {
      hint: 'remove containers that are not needed',
    },
  )
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

function take(database: Database, request: AddressRequest): Endpoint | undefined {
  const { networkName, containerId, owner } = request
  return unsyncedTransaction(database, () => {
    const network = findNetwork(database, networkName)
    if (network === undefined) {
      throw new TsctrError('NOT_FOUND', `network ${networkName}: no such network`)
    }
    const taken = new Set(addressesIn(database, networkName))
    const address =
      request.address === undefined
        ? nextFree(network, taken)
        : exactly(network, request.address, taken)
    if (address === undefined) return undefined
    const address6 =
      request.address6 === undefined
        ? nextFree6(network, taken)
        : exactly6(network, request.address6, taken)
    if (address6 === undefined && network.subnet6 !== undefined) return undefined
    recordLastAddresses(database, networkName, {
      address: request.address === undefined ? formatAddress(address) : undefined,
      address6: request.address6 === undefined ? address6 : undefined,
    })
    const endpoint: Endpoint = {
      networkName,
      driver: network.driver,
      netnsPath: request.netnsPath,
      containerId,
      address: formatAddress(address),
      prefixLength: parseSubnet(network.subnet).prefixLength,
      gateway: network.gateway,
      ipv6: ipv6Place(network, address6),
      macAddress: request.macAddress ?? macAddressOf(address),
      interfaceName: nextInterface(endpointsOf(database, containerId)),
      hostInterface: `veth${randomBytes(6).toString('hex').slice(1)}`,
      aliases: request.aliases ?? [],
      state: 'preparing',
      owner,
    }
    insertEndpoint(database, endpoint)
    return endpoint
  })
}

function ipv6Place(network: Network, address: string | undefined): Ipv6Place | undefined {
  if (network.subnet6 === undefined || address === undefined) return undefined
  const { prefixLength } = parseSubnet6(network.subnet6)
  return { address, prefixLength, gateway: network.gateway6 ?? '' }
}

/**
 * The first free address after the one given out last, round and round: an address that was just
 * given back rests, since connections to its last holder may still be open.
 */
function nextFree(network: Network, taken: ReadonlySet<string>): number | undefined {
  const { base, prefixLength } = parseSubnet(network.ipRange ?? network.subnet)
  const size = sizeOf(prefixLength)
  const last = network.lastAddress === undefined ? 0 : parseAddress(network.lastAddress) - base
  // The subnet may have been another then.
  const start = last > 0 && last < size ? last : 0
  const auxiliary = Object.values(network.auxAddresses)
  for (let step = 1; step <= size; step++) {
    const address = base + ((start + step) % size)
    const text = formatAddress(address)
    if (isForContainers(network, address) && !taken.has(text) && !auxiliary.includes(text)) {
      return address
    }
  }
  return undefined
}

/** @returns undefined if a container has the address */
function exactly(network: Network, text: string, taken: ReadonlySet<string>): number | undefined {
  const address = parseAddress(text)
  if (!isForContainers(network, address)) {
    const message = `address ${text}: not one of ${network.subnet} for containers of network ${network.name}`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  return taken.has(text) ? undefined : address
}

/** Neither the subnet's first address, its name, nor its last, for broadcasts, nor the gateway. */
function isForContainers(network: Network, address: number): boolean {
  const { base, prefixLength } = parseSubnet(network.subnet)
  const offset = address - base
  const isInside = offset > 0 && offset < sizeOf(prefixLength) - 1
  return isInside && formatAddress(address) !== network.gateway
}

function nextInterface(endpoints: readonly Endpoint[]): string {
  const used = endpoints.map(({ interfaceName }) => interfaceName)
  let index = 0
  while (used.includes(`eth${index}`)) index++
  return `eth${index}`
}
