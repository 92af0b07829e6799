import { hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import { firewallState, hasLegacyFilter, nftGeneration } from './firewall-state.ts'
import {
  acceptInForeignChains,
  acceptInLegacyChain,
  removeFromForeignChains,
  removeFromLegacyChain,
} from './foreign-chains.ts'
import { lockHostNetwork } from './host-network-lock.ts'
import { defaultRouteMtu, hostRoutes } from './host-routes.ts'
import { macAddressOf, parseAddress, parseSubnet } from './ipv4.ts'
import { enableForwarding6, isForwarding6 } from './ipv6-forwarding.ts'
import { ipv6PathOf } from './ipv6-path.ts'
import { networkOptions } from './network-options.ts'
import { ipBatch, isMissing, type NftObject, nftApply, nftList } from './network-programs.ts'
import { type Network, recordBridge } from './networks.ts'
import { portsIn } from './ports.ts'
import { bridgeRuleset, noRuleset } from './ruleset.ts'

const forwardingSwitch = '/proc/sys/net/ipv4/ip_forward'
/** Behind the kernel's own route to ::1, which has 0. */
const leastLoopbackMetric = 4096

/**
 * Whether everything of the network is in place. Its route says that the bridge is there, up and
 * has its address; the firewall's generation, that no rule has gone since it was last looked at.
 */
export function isBridgeUp(network: Network): boolean {
  return isBridgeSet(network) && network.applied === firewallState(nftGeneration())
}

/**
 * As isBridgeUp, where the firewall has changed since: whether its rules are still those that were
 * made. Listing them costs a tenth of making them. Called with the host network locked.
 *
 * @returns  the network as recorded; undefined if something is missing
 */
export async function checkBridge(
  database: Database,
  network: Network,
): Promise<Network | undefined> {
  if (isBridgeUp(network)) return network
  if (!isBridgeSet(network)) return undefined
  const { applied, rulesDigest } = await seeRules(network)
  if (rulesDigest === undefined || rulesDigest !== network.rulesDigest) return undefined
  const recorded = { ...network, applied }
  recordBridge(database, recorded)
  return recorded
}

/** Whether the bridge is there as it was made; of its rules this says nothing. */
export function isBridgeSet(network: Network): boolean {
  const { base, prefixLength } = parseSubnet(network.subnet)
  const hasRoute = hostRoutes().some(
    ({ interfaceName, destination }) =>
      interfaceName === network.bridgeName &&
      destination.base === base &&
      destination.prefixLength === prefixLength,
  )
  if (!hasRoute || !isForwarding()) return false
  return network.subnet6 === undefined || isForwarding6()
}

/**
 * Make the bridge and its rules, or what is missing of them. Called with the host network locked.
 *
 * @returns  the network as recorded
 */
export async function bringUpBridge(database: Database, network: Network): Promise<Network> {
  const isThere = interfaceExists(network.bridgeName)
  const mtu = isThere ? network.mtu : (optionMtu(network) ?? defaultRouteMtu())
  await ipBatch(bridgeCommands({ ...network, mtu }, isThere))
  enableForwarding()
  if (network.subnet6 !== undefined) enableForwarding6()
  enableLoopbackRoute(network.bridgeName)
  await nftApply(bridgeRuleset(network, portsIn(database, network.name)))
  const recorded = { ...network, mtu, ...(await seeRules(network)) }
  recordBridge(database, recorded)
  return recorded
}

/** Remove the bridge and its rules; the record stays, and the next use brings them back. */
export async function removeBridge(database: Database, network: Network): Promise<void> {
  const lock = await lockHostNetwork()
  try {
    recordBridge(database, { ...network, applied: undefined })
    await takeDownBridge(network.bridgeName)
  } finally {
    lock.release()
  }
}

/** Remove a bridge and its rules, of a network that is recorded or not. Called with the host network locked. */
export async function takeDownBridge(bridgeName: string): Promise<void> {
  await nftApply(noRuleset({ bridgeName }))
  await removeFromForeignChains(bridgeName)
  if (hasLegacyFilter()) await removeFromLegacyChain(bridgeName)
  // Last: where all of it was to go, the bridge's name says that it has not.
  if (interfaceExists(bridgeName)) await ipBatch([`link del ${bridgeName}`])
}

/** Names of the interfaces of this network namespace that begin so. */
export function interfacesNamed(prefix: string): string[] {
  return readdirSync('/proc/sys/net/ipv4/conf').filter((name) => name.startsWith(prefix))
}

/** Whether this network namespace has an interface of that name (/sys may show another's). */
export function interfaceExists(name: string): boolean {
  return existsSync(`/proc/sys/net/ipv4/conf/${name}`)
}

function optionMtu({ options }: Network): number | undefined {
  const text = options[networkOptions.mtu]
  return text === undefined ? undefined : Number(text)
}

function bridgeCommands(network: Network, isThere: boolean): string[] {
  const { bridgeName, gateway, subnet, mtu } = network
  // With an address of its own a bridge does not take on those of the containers that come and go.
  const mac = macAddressOf(parseAddress(gateway))
  const make = `link add ${bridgeName} mtu ${mtu} address ${mac} type bridge`
  return [
    ...(isThere ? [] : [make]),
    // IPv6 addresses are given below, where there are to be some.
    `link set ${bridgeName} addrgenmode none up`,
    `addr replace ${gateway}/${parseSubnet(subnet).prefixLength} dev ${bridgeName}`,
    ...ipv6Commands(network),
  ]
}

function ipv6Commands(network: Network): string[] {
  const { bridgeName, gateway6, subnet6 } = network
  const path = ipv6PathOf(network)
  const address = gateway6 ?? path?.gateway
  const length = path?.subnet.prefixLength ?? Number(subnet6?.split('/')[1])
  if (address === undefined) return []
  return [
    `addr replace ${address}/${length} dev ${bridgeName} nodad`,
    // Who a forwarded packet is for is asked from a link-local address, or not at all.
    `addr replace fe80::1/64 dev ${bridgeName} nodad`,
    // An answer to what the host sent from ::1 to a published port comes back by the bridge, and the
    // kernel wants a route of that very interface for it: IPv6 has no route_localnet.
    `route replace local ::1 dev ${bridgeName} table local metric ${loopbackMetric(bridgeName)}`,
  ]
}

/** Each bridge's own: of two routes to one place with one metric the later replaces the other. */
function loopbackMetric(bridgeName: string): number {
  return leastLoopbackMetric + Number.parseInt(hash('sha256', bridgeName).slice(0, 6), 16)
}

/**
 * Look at the rules of a network, and have the chains of others accept its packets.
 *
 * @returns  `applied`: the state to compare with later, undefined if somebody else changed the
 *           firewall at the same time, perhaps after it was looked at: then the next run looks again;
 *           `rulesDigest`: undefined if the network's own table is gone
 */
async function seeRules({
  bridgeName,
}: Network): Promise<Pick<Network, 'applied' | 'rulesDigest'>> {
  const before = nftGeneration()
  let table: readonly NftObject[]
  try {
    table = await nftList('table', 'inet', bridgeName)
  } catch (error) {
    if (!isMissing(error)) throw error
    return { applied: undefined, rulesDigest: undefined }
  }
  const transactions = await acceptInForeignChains(bridgeName)
  if (hasLegacyFilter()) await acceptInLegacyChain(bridgeName)
  const after = nftGeneration()
  const isUndisturbed = before !== undefined && after === before + transactions
  return {
    applied: isUndisturbed ? firewallState(after) : undefined,
    // Handles are among it: what was taken away and put back is somebody else's as well.
    rulesDigest: hash('sha256', JSON.stringify(table)),
  }
}

/** What the host sends to a published port of 127.0.0.1 comes from there, and is to leave by the bridge. */
function enableLoopbackRoute(bridgeName: string): void {
  writeFileSync(`/proc/sys/net/ipv4/conf/${bridgeName}/route_localnet`, '1')
}

function isForwarding(): boolean {
  return readFileSync(forwardingSwitch, 'ascii').trim() === '1'
}

function enableForwarding(): void {
  if (isForwarding()) return
  try {
    writeFileSync(forwardingSwitch, '1')
  } catch (cause) {
    throw new TsctrError('FAILED_PRECONDITION', 'net.ipv4.ip_forward: cannot be switched on', {
      hint: 'sysctl -w net.ipv4.ip_forward=1, or run with --network host or none',
      cause,
    })
  }
}
