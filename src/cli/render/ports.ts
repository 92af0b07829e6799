import { formatHostPort } from '../../network/host-port.ts'
import type { PublishedPort } from '../../network/ports.ts'

interface PortRange {
  readonly first: number
  readonly last: number
  readonly protocol: string
  /** Published on this address under the same numbers; undefined: not published. */
  readonly hostAddress?: string | undefined
}

/**
 * Ports that a container listens on: `80/tcp, 0.0.0.0:8000-8010->8000-8010/tcp`, then those that are
 * published under another number, `0.0.0.0:8080->80/tcp`.
 *
 * @param published  by container port
 * @param exposed    as an image exposes them: `80/tcp`, `53/udp`, `8000-8010/tcp`, `80`; in any order
 * Source: docker ps, column PORTS
 */
export function portsText(published: readonly PublishedPort[], exposed: readonly string[]): string {
  const isOnSame = (port: PublishedPort): boolean => port.hostPort === port.containerPort
  const same = published.filter(isOnSame).map(({ containerPort, protocol, hostAddress }) => ({
    first: containerPort,
    last: containerPort,
    protocol,
    hostAddress,
  }))
  const ranges = [
    ...same,
    ...exposed.flatMap(parsePort).flatMap((range) => unpublished(range, published)),
  ]
  const kinds = [...new Set(ranges.map(kindOf))]
  const joined = kinds.flatMap((kind) =>
    joinNeighbours(
      ranges.filter((range) => kindOf(range) === kind).sort((a, b) => a.first - b.first),
    ),
  )
  const texts = joined.sort(byPlace).map(rangeText)
  const mappings = published
    .filter((port) => !isOnSame(port))
    .map((port) => `${formatHostPort(port)}->${port.containerPort}/${port.protocol}`)
  return [...texts, ...mappings].join(', ')
}

function kindOf({ hostAddress = '', protocol }: PortRange): string {
  return `${hostAddress}/${protocol}`
}

function byPlace(a: PortRange, b: PortRange): number {
  return a.first - b.first || (kindOf(a) < kindOf(b) ? -1 : 1)
}

function rangeText({ first, last, protocol, hostAddress }: PortRange): string {
  const ports = first === last ? `${first}` : `${first}-${last}`
  if (hostAddress === undefined) return `${ports}/${protocol}`
  return `${formatHostPort({ hostAddress, hostPort: ports })}->${ports}/${protocol}`
}

/** What is no port, an image may say all the same; it is not shown. */
function parsePort(text: string): PortRange[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/([a-z]+))?$/.exec(text)
  if (match === null) return []
  const [, first, last = first, protocol = 'tcp'] = match
  return [{ first: Number(first), last: Number(last), protocol }]
}

/** What is left of a range without the ports that are published. */
function unpublished(range: PortRange, published: readonly PublishedPort[]): PortRange[] {
  const inside = published
    .filter(({ protocol }) => protocol === range.protocol)
    .map(({ containerPort }) => containerPort)
    .find((port) => port >= range.first && port <= range.last)
  if (inside === undefined) return range.first > range.last ? [] : [range]
  return [
    ...unpublished({ ...range, last: inside - 1 }, published),
    ...unpublished({ ...range, first: inside + 1 }, published),
  ]
}

function joinNeighbours(sorted: readonly PortRange[]): PortRange[] {
  const joined: PortRange[] = []
  for (const range of sorted) {
    const before = joined.at(-1)
    if (before === undefined || range.first > before.last + 1) joined.push(range)
    else joined[joined.length - 1] = { ...before, last: Math.max(before.last, range.last) }
  }
  return joined
}
