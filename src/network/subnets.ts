import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import { hostRoutes } from './host-routes.ts'
import {
  formatAddress,
  formatSubnet,
  overlap,
  parseAddress,
  parseSubnet,
  type Subnet,
  sizeOf,
} from './ipv4.ts'
import { listNetworks, type Network } from './networks.ts'

/** Where networks take their subnets from: 64 blocks of 4,093 containers each. */
const pool = parseSubnet('10.116.0.0/14')
const blockPrefixLength = 20
/** Below it there is room for the gateway and one container. */
const longestPrefix = 30

/**
 * A subnet that neither a network nor a route of the host stands in the way of.
 *
 * @param network  its own bridge, which may still be there, is not in the way
 * @throws         FAILED_PRECONDITION
 */
export function freeSubnet(
  database: Database,
  { name, bridgeName }: Pick<Network, 'name' | 'bridgeName'>,
): Subnet {
  const taken = takenSubnets(database, bridgeName)
  const end = pool.base + sizeOf(pool.prefixLength)
  for (let base = pool.base; base < end; base += sizeOf(blockPrefixLength)) {
    const subnet = { base, prefixLength: blockPrefixLength }
    if (!taken.some((other) => isInTheWay(subnet, other.subnet))) return subnet
  }
  throw new TsctrError('FAILED_PRECONDITION', `network ${name}: no subnet is free`, {
    hint: `the host has networks and routes to all of ${formatSubnet(pool)}: see ip route`,
  })
}

/**
 * Check the addresses that a user gave a network.
 *
 * @throws  INVALID_ARGUMENT; FAILED_PRECONDITION if something else is in the subnet
 */
export function checkAddressing(
  database: Database,
  network: Pick<
    Network,
    'driver' | 'bridgeName' | 'subnet' | 'gateway' | 'ipRange' | 'auxAddresses'
  >,
): void {
  const subnet = parseSubnet(network.subnet)
  if (subnet.prefixLength > longestPrefix) {
    throw new TsctrError(
      'INVALID_ARGUMENT',
      `subnet ${network.subnet}: has no room for containers`,
      {
        hint: `a prefix of ${longestPrefix} or shorter`,
      },
    )
  }
  // The others' subnets are those that the host itself is in.
  const taken =
    network.driver === 'bridge'
      ? takenSubnets(database, network.bridgeName)
      : ofNetworks(database, network.bridgeName)
  const inTheWay = taken.find((other) => isInTheWay(subnet, other.subnet))
  if (inTheWay !== undefined) {
    const message = `subnet ${network.subnet}: overlaps with ${formatSubnet(inTheWay.subnet)} of ${inTheWay.of}`
    throw new TsctrError('FAILED_PRECONDITION', message)
  }
  requireHost(subnet, 'gateway', network.gateway)
  for (const [name, address] of Object.entries(network.auxAddresses)) {
    if (!address.includes(':')) requireHost(subnet, `aux-address ${name}`, address)
  }
  if (network.ipRange === undefined) return
  const range = parseSubnet(network.ipRange)
  if (range.prefixLength < subnet.prefixLength || !overlap(subnet, range)) {
    throw new TsctrError(
      'INVALID_ARGUMENT',
      `ip-range ${network.ipRange}: not inside ${network.subnet}`,
    )
  }
}

/** The first address is the gateway's, unless the user says otherwise. */
export function addressing(subnet: Subnet): Pick<Network, 'subnet' | 'gateway'> {
  return { subnet: formatSubnet(subnet), gateway: formatAddress(subnet.base + 1) }
}

/** The default route covers everything and stands in nobody's way. */
export function isInTheWay(subnet: Subnet, other: Subnet): boolean {
  return other.prefixLength > 0 && overlap(subnet, other)
}

interface TakenSubnet {
  readonly subnet: Subnet
  readonly of: string
}

function ofNetworks(database: Database, bridgeName: string): TakenSubnet[] {
  return listNetworks(database)
    .filter((network) => network.bridgeName !== bridgeName)
    .map(({ subnet, name }) => ({ subnet: parseSubnet(subnet), of: `network ${name}` }))
}

function takenSubnets(database: Database, bridgeName: string): TakenSubnet[] {
  const own = new Set([bridgeName, ...listNetworks(database).map((one) => one.bridgeName)])
  return [
    ...ofNetworks(database, bridgeName),
    ...hostRoutes()
      .filter(({ interfaceName }) => !own.has(interfaceName))
      .map(({ destination, interfaceName }) => ({
        subnet: destination,
        of: `the host’s route through ${interfaceName}`,
      })),
  ]
}

function requireHost(subnet: Subnet, what: string, text: string): void {
  const offset = parseAddress(text) - subnet.base
  if (offset > 0 && offset < sizeOf(subnet.prefixLength) - 1) return
  throw new TsctrError(
    'INVALID_ARGUMENT',
    `${what} ${text}: not an address of ${formatSubnet(subnet)}`,
  )
}
