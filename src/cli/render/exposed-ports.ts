interface PortRange {
  readonly first: number
  readonly last: number
  readonly protocol: string
}

/**
 * Ports that a container listens on and nobody has published: `80/tcp, 8000-8010/tcp`.
 *
 * @param ports  as an image exposes them: `80/tcp`, `53/udp`, `8000-8010/tcp`, `80`; in any order
 * Source: docker ps, column PORTS
 */
export function exposedPorts(ports: readonly string[]): string {
  const ranges = ports.flatMap(parsePort).sort((a, b) => a.first - b.first)
  const protocols = [...new Set(ranges.map(({ protocol }) => protocol))]
  const joined = protocols.flatMap((protocol) =>
    joinNeighbours(ranges.filter((range) => range.protocol === protocol)),
  )
  return joined
    .sort((a, b) => a.first - b.first || (a.protocol < b.protocol ? -1 : 1))
    .map(({ first, last, protocol }) =>
      first === last ? `${first}/${protocol}` : `${first}-${last}/${protocol}`,
    )
    .join(', ')
}

/** What is no port, an image may say all the same; it is not shown. */
function parsePort(text: string): PortRange[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/([a-z]+))?$/.exec(text)
  if (match === null) return []
  const [, first, last = first, protocol = 'tcp'] = match
  return [{ first: Number(first), last: Number(last), protocol }]
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
