import { hash, randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import { addressesIn } from './addresses.ts'
import { bringUpBridge, interfaceExists, isBridgeUp } from './bridge.ts'
import { hasLegacyFilter } from './firewall-state.ts'
import { acceptInLegacyChain } from './foreign-chains.ts'
import { lockHostNetwork } from './host-network-lock.ts'
import { hostRoutes } from './host-routes.ts'
import { formatAddress, formatSubnet, overlap, parseSubnet, type Subnet } from './ipv4.ts'
import { findNetwork, insertNetwork, listNetworks, type Network } from './networks.ts'

export const defaultNetworkName = 'bridge'

const usualDataRoot = '/var/lib/tsctr'
/** Where default networks take their subnets from: 64 blocks of 4,093 containers each. */
const pool = parseSubnet('10.116.0.0/14')
const blockPrefixLength = 20

/**
 * The network of containers that ask for none, with its bridge up and its rules in place. Where
 * that is so already, it costs reading a file or two and no process.
 *
 * @param dataRoot  every data root has a bridge of its own
 * @throws          FAILED_PRECONDITION if `ip` or `nft` is missing or the host cannot forward
 */
export async function ensureDefaultNetwork(
  database: Database,
  { dataRoot }: { readonly dataRoot: string },
): Promise<Network> {
  const known = findNetwork(database, defaultNetworkName)
  if (known !== undefined && isBridgeUp(known)) {
    if (hasLegacyFilter()) await acceptInLegacyChain(known.bridgeName)
    return known
  }
  const lock = await lockHostNetwork()
  try {
    const found = findNetwork(database, defaultNetworkName)
    if (found !== undefined && isBridgeUp(found)) return found
    const network = found ?? createDefaultNetwork(database, dataRoot)
    return await bringUpBridge(database, withUsableSubnet(database, network))
  } finally {
    lock.release()
  }
}

/** The bridge of a data root: at most 15 bytes, as the kernel demands. */
export function bridgeNameOf(dataRoot: string): string {
  const path = realpathSync(dataRoot)
  return path === usualDataRoot ? 'tsctr0' : `tsctr-${hash('sha256', path).slice(0, 8)}`
}

function createDefaultNetwork(database: Database, dataRoot: string): Network {
  const bridgeName = bridgeNameOf(dataRoot)
  const network: Network = {
    name: defaultNetworkName,
    id: randomBytes(32).toString('hex'),
    driver: 'bridge',
    bridgeName,
    ...addressing(freeSubnet(database, bridgeName)),
    ipRange: undefined,
    auxAddresses: {},
    isInternal: false,
    mtu: 1500,
    options: {},
    labels: {},
    lastAddress: undefined,
    applied: undefined,
    createdAt: new Date(),
  }
  insertNetwork(database, network)
  return network
}

/**
 * The bridge may have been away for a while, by a reboot: what the host routes elsewhere by now is
 * left to it. Nobody chose the subnet of the default network, so another does as well.
 */
function withUsableSubnet(database: Database, network: Network): Network {
  if (interfaceExists(network.bridgeName)) return network
  const subnet = parseSubnet(network.subnet)
  if (!hostRoutes().some(({ destination }) => isInTheWay(subnet, destination))) return network
  if (addressesIn(database, network.name).length > 0) return network
  return { ...network, ...addressing(freeSubnet(database, network.bridgeName)) }
}

function addressing(subnet: Subnet): Pick<Network, 'subnet' | 'gateway'> {
  return { subnet: formatSubnet(subnet), gateway: formatAddress(subnet.base + 1) }
}

function freeSubnet(database: Database, bridgeName: string): Subnet {
  // A data root that was deleted and made anew finds its bridge still there.
  const others = hostRoutes().filter(({ interfaceName }) => interfaceName !== bridgeName)
  const taken = [
    ...others.map(({ destination }) => destination),
    ...listNetworks(database).map(({ subnet }) => parseSubnet(subnet)),
  ]
  const step = 2 ** (32 - blockPrefixLength)
  const end = pool.base + 2 ** (32 - pool.prefixLength)
  for (let base = pool.base; base < end; base += step) {
    const subnet = { base, prefixLength: blockPrefixLength }
    if (!taken.some((other) => isInTheWay(subnet, other))) return subnet
  }
  throw new TsctrError('FAILED_PRECONDITION', `network ${defaultNetworkName}: no subnet is free`, {
    hint: `the host has routes to all of ${formatSubnet(pool)}: see ip route`,
  })
}

/** The default route covers everything and stands in nobody's way. */
function isInTheWay(subnet: Subnet, other: Subnet): boolean {
  return other.prefixLength > 0 && overlap(subnet, other)
}
