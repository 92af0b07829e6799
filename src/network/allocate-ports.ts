import { isErrno, TsctrError } from '../errors.ts'
import { type Database, unsyncedTransaction } from '../host/database.ts'
import { bindOnce } from '../host/libc.ts'
import { isAlive, type Owner } from '../host/owner.ts'
import type { Endpoint } from './addresses.ts'
import { insertPort, type PublishedPort, portsNumbered } from './ports.ts'
import type { Protocol } from './protocol.ts'
import { releasePorts } from './publish.ts'

/** A port that a container wants to be reached under. */
export interface PortRequest {
  readonly protocol: Protocol
  /** undefined: every address of the host. */
  readonly hostAddress?: string | undefined
  /** The first of these that is free; undefined: one that the kernel chooses. */
  readonly hostPorts?: { readonly first: number; readonly last: number } | undefined
  readonly containerPort: number
}

export const anyAddress = '0.0.0.0'
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
  { endpoint, owner }: { readonly endpoint: Endpoint; readonly owner: Owner },
): Promise<PublishedPort[]> {
  for (const request of requests) await releaseDead(database, request)
  return unsyncedTransaction(database, () =>
    requests.map(({ hostAddress = anyAddress, ...request }) => {
      const port: PublishedPort = {
        protocol: request.protocol,
        hostAddress,
        hostPort: freePort(database, { ...request, hostAddress }),
        containerId: endpoint.containerId,
        containerPort: request.containerPort,
        networkName: endpoint.networkName,
        address: endpoint.address,
        state: 'preparing',
        owner,
      }
      insertPort(database, port)
      return port
    }),
  )
}

/** Their own end releases ports; one that somebody asks for is worth the look whether it did. */
async function releaseDead(
  database: Database,
  { protocol, hostPorts, hostAddress }: PortRequest,
): Promise<void> {
  if (hostPorts === undefined) return
  for (let number = hostPorts.first; number <= hostPorts.last; number++) {
    const holder = holderOf(database, { protocol, hostAddress: hostAddress ?? anyAddress, number })
    if (holder !== undefined && !isAlive(holder.owner)) await releasePorts(database, [holder])
  }
}

function freePort(
  database: Database,
  request: PortRequest & { readonly hostAddress: string },
): number {
  const { protocol, hostAddress, hostPorts } = request
  if (hostPorts === undefined) {
    for (let attempt = 0; attempt < attemptsForAny; attempt++) {
      const number = tryBind(protocol, hostAddress, 0)
      const isFree = holderOf(database, { protocol, hostAddress, number }) === undefined
      if (number !== 0 && isFree) return number
    }
    throw new TsctrError('UNAVAILABLE', `port ${hostAddress}/${protocol}: none is free`)
  }
  let last: TsctrError | undefined
  for (let number = hostPorts.first; number <= hostPorts.last; number++) {
    const holder = holderOf(database, { protocol, hostAddress, number })
    if (holder === undefined && tryBind(protocol, hostAddress, number) === number) return number
    last = taken({ protocol, hostAddress, number }, holder)
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
      hostAddress === anyAddress ||
      port.hostAddress === anyAddress,
  )
}

/** @returns 0 if another program has the port */
function tryBind(protocol: Protocol, hostAddress: string, number: number): number {
  try {
    return bindOnce(protocol, Buffer.from(hostAddress.split('.').map(Number)), number)
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE')) return 0
    // Nobody can have a port of a protocol that the kernel lacks, and nobody else does.
    if (isErrno(error, 'EPROTONOSUPPORT')) return number
    if (!isErrno(error, 'EADDRNOTAVAIL')) throw error
    throw new TsctrError(
      'FAILED_PRECONDITION',
      `port ${hostAddress}:${number}: not an address of this host`,
      {
        hint: 'see ip address',
      },
    )
  }
}

function taken(
  { protocol, hostAddress, number }: HostPort,
  holder: PublishedPort | undefined,
): TsctrError {
  const by =
    holder === undefined ? 'another program' : `container ${holder.containerId.slice(0, 12)}`
  const message = `port ${hostAddress}:${number}/${protocol}: already in use by ${by}`
  const hint =
    holder === undefined ? `see ss --listening --processes sport = :${number}` : undefined
  return new TsctrError('FAILED_PRECONDITION', message, { hint })
}
