import type { PortRequest } from '../../network/allocate-ports.ts'
import type { PublishedPort } from '../../network/ports.ts'
import { nilList } from '../../oci/nil.ts'

/** Source: docker Engine API "PortMap" */
type PortMap = ReadonlyMap<string, readonly { HostIp: string; HostPort: string }[]>

/** What the container is reached under: null for ports that are exposed only. */
export function inspectPorts(
  exposed: readonly string[],
  published: readonly PublishedPort[],
): PortMap {
  return new Map(
    exposed.map((name) => {
      const own = published.filter((port) => `${port.containerPort}/${port.protocol}` === name)
      const shown = own.map(({ hostAddress, hostPort }) => ({
        HostIp: hostAddress,
        HostPort: String(hostPort),
      }))
      return [name, shown.length === 0 ? nilList : shown]
    }),
  )
}

/** What was asked for. */
export function inspectPortBindings(requests: readonly PortRequest[]): PortMap {
  const bindings = new Map<string, { HostIp: string; HostPort: string }[]>()
  for (const { containerPort, protocol, hostAddress = '', hostPorts } of requests) {
    const name = `${containerPort}/${protocol}`
    const shown = { HostIp: hostAddress, HostPort: rangeText(hostPorts) }
    bindings.set(name, [...(bindings.get(name) ?? []), shown])
  }
  return bindings
}

function rangeText(range: PortRequest['hostPorts']): string {
  if (range === undefined) return ''
  return range.first === range.last ? `${range.first}` : `${range.first}-${range.last}`
}
