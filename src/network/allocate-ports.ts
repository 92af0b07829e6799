import { isErrno, TsctrError } from '../errors.ts'
import { type Database, unsyncedTransaction } from '../host/database.ts'
import { bindOnce } from '../host/libc.ts'
import { isAlive, type Owner } from '../host/owner.ts'
import type { Endpoint } from './addresses.ts'
import { formatHostPort } from './host-port.ts'
import { bytesOf6, parseAddress6 } from './ipv6.ts'
import { ipv6PathOf, portAddress6 } from './ipv6-path.ts'
import type { Network } from './networks.ts'
import { insertPort, type PublishedPort, portsNumbered } from './ports.ts'
import type { Protocol } from './protocol.ts'
import { releasePorts } from './publish.ts'

/** A port that a container wants to be reached under. */
export interface PortRequest {
  readonly protocol: Protocol
  /** undefined: every address of the host, IPv4 and IPv6. */
  readonly hostAddress?: string | undefined
  /** The first of these that is free; undefined: one that the kernel chooses. */
  readonly hostPorts?: { readonly first: number; readonly last: number } | undefined
  readonly containerPort: number
}

export const anyAddress = '0.0.0.0'
export const anyAddress6 = '::'
const attemptsForAny = 64

/**
 * Take ports of the host for a container, all of them or none. A port counts as taken if a container
 * has it or any program on the host listens there; what containers had that are dead is released.
 *
 * @param endpoint  where the packets are to go
 * @returns         the ports, `preparing`; nothing is sent there yet
 * @throws          FAILED_PRECONDITION naming the port and who has it
 */
export async function allocatePorts(
  database: Database,
  requests: readonly PortRequest[],
  {
    endpoint,
    network,
    owner,
  }: { readonly endpoint: Endpoint; readonly network: Network; readonly owner: Owner },
): Promise<PublishedPort[]> {
  const wanted = requests.map((request) => ({
    ...request,
    hostAddresses: hostAddressesOf(request, network),
  }))
  for (const request of wanted) await releaseDead(database, request)
  return unsyncedTransaction(database, () =>
    wanted.flatMap((request) => {
      const hostPort = freePort(database, request)
      return request.hostAddresses.map((hostAddress) => {
        const port: PublishedPort = {
          protocol: request.protocol,
          hostAddress,
          hostPort,
          containerId: endpoint.containerId,
          containerPort: request.containerPort,
          networkName: endpoint.networkName,
          address: portAddress(endpoint, network, hostAddress),
          state: 'preparing',
          owner,
        }
        insertPort(database, port)
        return port
      })
    }),
  )
}

/** The address of a container that the packets to a port of the host go to. */
export function portAddress(endpoint: Endpoint, network: Network, hostAddress: string): string {
  return hostAddress.includes(':') ? portAddress6(network, endpoint) : endpoint.address
}

/** Every address of a host are those of IPv6 too, where container and host have it. */
function hostAddressesOf({ hostAddress }: PortRequest, network: Network): readonly string[] {
  if (hostAddress !== undefined) return [hostAddress]
  const hasPath = network.subnet6 !== undefined || ipv6PathOf(network) !== undefined
  return hasPath ? [anyAddress, anyAddress6] : [anyAddress]
}

interface WantedPort extends PortRequest {
  readonly hostAddresses: readonly string[]
}

/** Their own end releases ports; one that somebody asks for is worth the look whether it did. */
async function releaseDead(
  database: Database,
  { protocol, hostPorts, hostAddresses }: WantedPort,
): Promise<void> {
  if (hostPorts === undefined) return
  for (let number = hostPorts.first; number <= hostPorts.last; number++) {
    for (const hostAddress of hostAddresses) {
      const holder = holderOf(database, { protocol, hostAddress, number })
      if (holder !== undefined && !isAlive(holder.owner)) await releasePorts(database, [holder])
    }
  }
}

/** A number that is free on all of the addresses. */
function freePort(database: Database, { protocol, hostAddresses, hostPorts }: WantedPort): number {
  const [first = anyAddress, ...others] = hostAddresses
  const holderAt = (hostAddress: string, number: number): PublishedPort | undefined =>
    holderOf(database, { protocol, hostAddress, number })
  const isFree = (hostAddress: string, number: number): boolean =>
    holderAt(hostAddress, number) === undefined && tryBind(protocol, hostAddress, number) === number
  if (hostPorts === undefined) {
    for (let attempt = 0; attempt < attemptsForAny; attempt++) {
      const number = tryBind(protocol, first, 0)
      if (number === 0 || holderAt(first, number) !== undefined) continue
      if (others.every((hostAddress) => isFree(hostAddress, number))) return number
    }
    throw new TsctrError('UNAVAILABLE', `port ${first}/${protocol}: none is free`)
  }
  let last: TsctrError | undefined
  for (let number = hostPorts.first; number <= hostPorts.last; number++) {
    const taken = hostAddresses.find((hostAddress) => !isFree(hostAddress, number))
    if (taken === undefined) return number
    const port = { protocol, hostAddress: taken, number }
    last = takenError(port, holderOf(database, port))
  }
  throw last ?? new Error('bug: an empty range of ports')
}

interface HostPort {
  readonly protocol: Protocol
  readonly hostAddress: string
  readonly number: number
}

function holderOf(database: Database, port: HostPort): PublishedPort | undefined {
  return portsNumbered(database, port.protocol, port.number).find(
    ({ hostAddress }) =>
      hostAddress === port.hostAddress ||
      (isSameFamily(hostAddress, port.hostAddress) &&
        (isAnyAddress(hostAddress) || isAnyAddress(port.hostAddress))),
  )
}

export function isAnyAddress(address: string): boolean {
  return address === anyAddress || address === anyAddress6
}

function isSameFamily(one: string, other: string): boolean {
  return one.includes(':') === other.includes(':')
}

function bytesOf(address: string): Buffer {
  return address.includes(':')
    ? bytesOf6(parseAddress6(address))
    : Buffer.from(address.split('.').map(Number))
}

/** @returns 0 if another program has the port */
function tryBind(protocol: Protocol, hostAddress: string, number: number): number {
  try {
    return bindOnce(protocol, bytesOf(hostAddress), number)
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE')) return 0
    // Nobody can have a port of a protocol that the kernel lacks, and nobody else does.
    if (isErrno(error, 'EPROTONOSUPPORT')) return number
    // EAFNOSUPPORT: an IPv6 address on a host without.
    if (!isErrno(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT')) throw error
    throw new TsctrError(
      'FAILED_PRECONDITION',
      `port ${formatHostPort({ hostAddress, hostPort: number })}: not an address of this host`,
      {
        hint: 'see ip address',
      },
    )
  }
}

function takenError(
  { protocol, hostAddress, number }: HostPort,
  holder: PublishedPort | undefined,
): TsctrError {
  const by =
    holder === undefined ? 'another program' : `container ${holder.containerId.slice(0, 12)}`
  const where = formatHostPort({ hostAddress, hostPort: number })
  const message = `port ${where}/${protocol}: already in use by ${by}`
  const hint =
    holder === undefined ? `see ss --listening --processes sport = :${number}` : undefined
  return new TsctrError('FAILED_PRECONDITION', message, { hint })
}
