import { hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { Endpoint } from './addresses.ts'
import { parseAddress } from './ipv4.ts'
import { formatAddress6, type Subnet6 } from './ipv6.ts'
import type { Network } from './networks.ts'

/**
 * How a published port is reached by IPv6 where the network itself carries IPv4 only. No rule of the
 * kernel's turns one into the other, so bridge and container get private addresses, each from its
 * IPv4 address, for this alone: no route leads out by them, and what comes in by them comes from the
 * bridge, as it does from docker's proxy.
 */
export interface Ipv6Path {
  readonly subnet: Subnet6
  /** The bridge's address in it. */
  readonly gateway: string
}

/** @returns undefined where no port is published by IPv6 that way */
export function ipv6PathOf(
  network: Pick<Network, 'bridgeName' | 'driver' | 'gateway' | 'subnet6' | 'isInternal'>,
): Ipv6Path | undefined {
  const isNeeded = network.driver === 'bridge' && network.subnet6 === undefined
  if (!isNeeded || network.isInternal || !hasIpv6()) return undefined
  const subnet = pathSubnet(network.bridgeName)
  return { subnet, gateway: inPath(subnet, network.gateway) }
}

/** The address of a container that packets for its ports are sent to, when they came by IPv6. */
export function portAddress6(
  network: Pick<Network, 'bridgeName'>,
  { ipv6, address }: Pick<Endpoint, 'ipv6' | 'address'>,
): string {
  return ipv6?.address ?? inPath(pathSubnet(network.bridgeName), address)
}

/** Whether new interfaces of the thread's network namespace carry IPv6. Source: ip-sysctl.rst */
export function hasIpv6(): boolean {
  const file = '/proc/sys/net/ipv6/conf/default/disable_ipv6'
  return existsSync(file) && readFileSync(file, 'ascii').trim() === '0'
}

/** One for each bridge, from the range that everybody may use at home. Source: RFC 4193 */
function pathSubnet(bridgeName: string): Subnet6 {
  const unique = BigInt(`0x${hash('sha256', bridgeName).slice(0, 14)}`)
  return { base: ((0xfdn << 56n) | unique) << 64n, prefixLength: 64 }
}

function inPath({ base }: Subnet6, address: string): string {
  return formatAddress6(base + BigInt(parseAddress(address)))
}
