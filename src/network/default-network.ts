import { hash, randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import type { Database } from '../host/database.ts'
import { addressesIn } from './addresses.ts'
import { bringUpBridge, checkBridge, interfaceExists, isBridgeUp } from './bridge.ts'
import { hasLegacyFilter } from './firewall-state.ts'
import { acceptInLegacyChain } from './foreign-chains.ts'
import { lockHostNetwork } from './host-network-lock.ts'
import { hostRoutes } from './host-routes.ts'
import { parseSubnet } from './ipv4.ts'
import { defaultNetworkName } from './network-name.ts'
import { findNetwork, insertNetwork, type Network } from './networks.ts'
import { addressing, freeSubnet, isInTheWay } from './subnets.ts'

const usualDataRoot = '/var/lib/tsctr'

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
    const standing = found && (await checkBridge(database, found))
    if (standing !== undefined) return standing
    const network = found ?? createDefaultNetwork(database, dataRoot)
    return await bringUpBridge(database, withUsableSubnet(database, network))
  } finally {
    lock.release()
  }
}

/** The default network's record, made where it is missing; its bridge may be down. */
export async function declareDefaultNetwork(
  database: Database,
  dataRoot: string,
): Promise<Network> {
  const known = findNetwork(database, defaultNetworkName)
  if (known !== undefined) return known
  const lock = await lockHostNetwork()
  try {
    return findNetwork(database, defaultNetworkName) ?? createDefaultNetwork(database, dataRoot)
  } finally {
    lock.release()
  }
}

/** What the names of the bridges of a data root's other networks begin with; 8 characters follow. */
export function userBridgePrefix(dataRoot: string): string {
  return `tn-${hash('sha256', realpathSync(dataRoot)).slice(0, 4)}`
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
    ...addressing(freeSubnet(database, { name: defaultNetworkName, bridgeName })),
    ipRange: undefined,
    subnet6: undefined,
    gateway6: undefined,
    ipRange6: undefined,
    auxAddresses: {},
    isInternal: false,
    mtu: 1500,
    options: {},
    labels: {},
    lastAddress: undefined,
    lastAddress6: undefined,
    applied: undefined,
    rulesDigest: undefined,
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
  return { ...network, ...addressing(freeSubnet(database, network)) }
}
