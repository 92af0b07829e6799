import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isErrno, TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import {
  formatAddress6,
  formatSubnet6,
  isInside6,
  overlap6,
  parseAddress6,
  parseSubnet6,
  type Subnet6,
} from './ipv6.ts'
import { listNetworks, type Network } from './networks.ts'

/** Below it there is room for the gateway and a few containers. */
const longestPrefix = 124

/** A subnet of one's own, from the range that everybody may use at home. Source: RFC 4193 */
export function freeSubnet6({ id }: Pick<Network, 'id'>): Subnet6 {
  const unique = BigInt(`0x${hash('sha256', id).slice(0, 14)}`)
  return { base: ((0xfdn << 56n) | unique) << 64n, prefixLength: 64 }
}

/** The first address after the subnet's own is the gateway's, unless the user says otherwise. */
export function addressing6(subnet: Subnet6): { subnet6: string; gateway6: string } {
  return { subnet6: formatSubnet6(subnet), gateway6: formatAddress6(subnet.base + 1n) }
}

/**
 * Check the IPv6 addresses that a user gave a network.
 *
 * @throws  INVALID_ARGUMENT; FAILED_PRECONDITION if something else is in the subnet
 */
export function checkAddressing6(
  database: Database,
  network: Pick<
    Network,
    'bridgeName' | 'subnet6' | 'gateway6' | 'ipRange6' | 'auxAddresses' | 'driver'
  >,
): void {
  const { subnet6, gateway6, ipRange6 } = network
  if (subnet6 === undefined) return
  const subnet = parseSubnet6(subnet6)
  if (subnet.prefixLength > longestPrefix) {
    throw new TsctrError('INVALID_ARGUMENT', `subnet ${subnet6}: has no room for containers`, {
      hint: `a prefix of ${longestPrefix} or shorter`,
    })
  }
  const others = [...ofNetworks(database, network), ...ofHost(database, network)]
  const inTheWay = others.find((other) => overlap6(subnet, other.subnet))
  if (inTheWay !== undefined) {
    const message = `subnet ${subnet6}: overlaps with ${formatSubnet6(inTheWay.subnet)} of ${inTheWay.of}`
    throw new TsctrError('FAILED_PRECONDITION', message)
  }
  if (gateway6 !== undefined) requireInside(subnet, 'gateway', gateway6)
  for (const [name, address] of Object.entries(network.auxAddresses)) {
    if (address.includes(':')) requireInside(subnet, `aux-address ${name}`, address)
  }
  if (ipRange6 === undefined) return
  const range = parseSubnet6(ipRange6)
  if (range.prefixLength >= subnet.prefixLength && overlap6(subnet, range)) return
  throw new TsctrError('INVALID_ARGUMENT', `ip-range ${ipRange6}: not inside ${subnet6}`)
}

interface TakenSubnet {
  readonly subnet: Subnet6
  readonly of: string
}

function ofNetworks(
  database: Database,
  { bridgeName }: Pick<Network, 'bridgeName'>,
): TakenSubnet[] {
  return listNetworks(database).flatMap((network) =>
    network.subnet6 === undefined || network.bridgeName === bridgeName
      ? []
      : { subnet: parseSubnet6(network.subnet6), of: `network ${network.name}` },
  )
}

/** Routes of the host to subnets, its networks' own left out. Source: proc(5) /proc/net/ipv6_route */
function ofHost(
  database: Database,
  { bridgeName, driver }: Pick<Network, 'bridgeName' | 'driver'>,
): TakenSubnet[] {
  // These networks are the one that the host itself is in.
  if (driver !== 'bridge') return []
  const own = new Set([bridgeName, ...listNetworks(database).map((one) => one.bridgeName)])
  const lines = readRoutes().split('\n')
  return lines.flatMap((line) => {
    const [destination = '', length = '', , , gateway, , , , , name = ''] = line.trim().split(/\s+/)
    const prefixLength = Number.parseInt(length, 16)
    const isSubnet = gateway !== undefined && prefixLength > 0 && prefixLength < 128
    if (!isSubnet || own.has(name) || /^(fe80|ff)/.test(destination)) return []
    const subnet = { base: BigInt(`0x${destination}`), prefixLength }
    return { subnet, of: `the host’s route through ${name}` }
  })
}

function readRoutes(): string {
  try {
    return readFileSync('/proc/thread-self/net/ipv6_route', 'ascii')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return ''
    throw error
  }
}

function requireInside(subnet: Subnet6, what: string, text: string): void {
  const address = parseAddress6(text)
  if (isInside6(subnet, address) && address !== subnet.base) return
  const message = `${what} ${text}: not an address of ${formatSubnet6(subnet)}`
  throw new TsctrError('INVALID_ARGUMENT', message)
}
