import { isIP } from 'node:net'
import { TsctrError } from '../../errors.ts'
import type { PortRequest } from '../../network/allocate-ports.ts'
import { canonicalAddress6 } from '../../network/ipv6.ts'
import { type Protocol, protocols } from '../../network/protocol.ts'

interface Range {
  readonly first: number
  readonly last: number
}

const maxPort = 65535

/**
 * `[[address:][port]:]port[/protocol]`, ports single or `first-last`; an IPv6 address in brackets.
 *
 * @returns  one for each port of the container
 * @throws   INVALID_ARGUMENT
 * Source: docker run --publish
 */
export function parsePublish(text: string): PortRequest[] {
  const match = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?(?:([\d-]*):)?([\d-]+)(?:\/(\w+))?$/.exec(text)
  // `8080:80` has its first part where an address may be, too.
  const parts = match === null ? undefined : partsOf(match)
  if (parts === undefined) throw notPorts(text, 'must be [[ADDRESS:][PORT]:]PORT[/PROTOCOL]')
  const container = parseRange(text, parts.container)
  const host = parts.host === '' ? undefined : parseRange(text, parts.host)
  if (parts.address !== undefined && isIP(parts.address) === 0) {
    throw notPorts(text, `${JSON.stringify(parts.address)} is not an IP address`)
  }
  const isIpv6Address = parts.address !== undefined && isIP(parts.address) === 6
  const hostAddress = isIpv6Address ? canonicalAddress6(parts.address) : parts.address
  const protocol = parseProtocol(text, parts.protocol)
  const count = sizeOf(container)
  if (host !== undefined && count > 1 && sizeOf(host) !== count) {
    throw notPorts(text, `${sizeOf(host)} ports of the host for ${count} of the container`)
  }
  return Array.from({ length: count }, (_, index) => ({
    protocol,
    hostAddress,
    hostPorts: host === undefined || count === 1 ? host : single(host.first + index),
    containerPort: container.first + index,
  }))
}

/**
 * A port or a range of them with an optional protocol, for `--expose`.
 *
 * @returns  `80/tcp` for each
 * Source: docker run --expose
 */
export function parseExpose(text: string): string[] {
  const [, ports, protocol] = /^([\d-]+)(?:\/(\w+))?$/.exec(text) ?? []
  if (ports === undefined) throw notPorts(text, 'must be PORT[-PORT][/PROTOCOL]')
  const { first, last } = parseRange(text, ports)
  const name = parseProtocol(text, protocol)
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${name}`)
}

interface Parts {
  readonly address: string | undefined
  readonly host: string
  readonly container: string
  readonly protocol: string | undefined
}

function partsOf([, bracketed, front, middle, container = '', protocol]: RegExpExecArray): Parts {
  if (bracketed !== undefined || middle !== undefined) {
    const address = bracketed ?? (front === '' ? undefined : front)
    return { address, host: middle ?? '', container, protocol }
  }
  return { address: undefined, host: front ?? '', container, protocol }
}

function parseRange(text: string, range: string): Range {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? []
  const ports = { first: Number(first), last: Number(last) }
  if (first === undefined) throw notPorts(text, `${JSON.stringify(range)} is not a port`)
  for (const port of [ports.first, ports.last]) {
    if (port < 1 || port > maxPort) throw notPorts(text, `${port} is not a port: 1 to ${maxPort}`)
  }
  if (ports.first > ports.last) throw notPorts(text, `${range} ends before it begins`)
  return ports
}

function parseProtocol(text: string, protocol = 'tcp'): Protocol {
  const found = protocols.find((name) => name === protocol.toLowerCase())
  if (found !== undefined) return found
  throw notPorts(text, `${JSON.stringify(protocol)} is not tcp, udp or sctp`)
}

function sizeOf({ first, last }: Range): number {
  return last - first + 1
}

function single(port: number): Range {
  return { first: port, last: port }
}

function notPorts(text: string, what: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${what}`)
}
