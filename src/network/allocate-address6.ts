import { TsctrError } from '../errors.ts'
import { formatAddress6, isInside6, parseAddress6, parseSubnet6, sizeOf6 } from './ipv6.ts'
import type { Network } from './networks.ts'

/**
 * The first free IPv6 address after the one given out last, as for IPv4.
 *
 * @param taken  those of containers
 * @returns      undefined if none is free, or the network carries IPv4 only
 */
export function nextFree6(network: Network, taken: ReadonlySet<string>): string | undefined {
  if (network.subnet6 === undefined) return undefined
  const range = parseSubnet6(network.ipRange6 ?? network.subnet6)
  const size = sizeOf6(range.prefixLength)
  const last = network.lastAddress6 === undefined ? range.base : parseAddress6(network.lastAddress6)
  const start = isInside6(range, last) ? last - range.base : 0n
  // Among that many in a row one is free, or there are not that many.
  const auxiliary = Object.values(network.auxAddresses)
  const most = BigInt(taken.size + auxiliary.length + 3)
  for (let step = 1n; step <= (most < size ? most : size); step++) {
    const address = range.base + ((start + step) % size)
    const text = formatAddress6(address)
    const isFree = !taken.has(text) && !auxiliary.includes(text)
    if (isFree && isForContainers6(network, text)) return text
  }
  return undefined
}

/**
 * The address that a container is to have.
 *
 * @returns  undefined if a container has it
 * @throws   INVALID_ARGUMENT if the network has no such address to give
 */
export function exactly6(
  network: Network,
  text: string,
  taken: ReadonlySet<string>,
): string | undefined {
  checkAddress6(network, text)
  return taken.has(text) ? undefined : text
}

/** @throws INVALID_ARGUMENT unless containers of the network can have the address */
export function checkAddress6(network: Network, text: string): void {
  if (isForContainers6(network, text)) return
  const what =
    network.subnet6 === undefined
      ? `network ${network.name} carries IPv4 only`
      : `not one of ${network.subnet6} for containers of network ${network.name}`
  throw new TsctrError('INVALID_ARGUMENT', `address ${text}: ${what}`)
}

/** Not the first address either, which all routers of the subnet answer to. Source: RFC 4291 2.6.1 */
function isForContainers6({ subnet6, gateway6 }: Network, text: string): boolean {
  if (subnet6 === undefined || text === gateway6) return false
  const subnet = parseSubnet6(subnet6)
  const address = parseAddress6(text)
  return isInside6(subnet, address) && address !== subnet.base
}
