import { readFileSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import type { Subnet } from './ipv4.ts'

export interface HostRoute {
  readonly interfaceName: string
  readonly destination: Subnet
}

const routeIsUp = 1
const usualMtu = 1500

/** IPv4 routes of the main table in the thread's network namespace. Source: proc(5) /proc/net/route */
export function hostRoutes(): HostRoute[] {
  const lines = readFileSync('/proc/thread-self/net/route', 'ascii').trimEnd().split('\n').slice(1)
  return lines.flatMap((line) => {
    const [interfaceName, destination, , flags, , , , mask] = line.trim().split(/\s+/)
    if (interfaceName === undefined || mask === undefined) return []
    if ((Number.parseInt(flags ?? '0', 16) & routeIsUp) === 0) return []
    return {
      interfaceName,
      destination: {
        base: numberOf(destination ?? ''),
        prefixLength: numberOf(mask).toString(2).replaceAll('0', '').length,
      },
    }
  })
}

/** The largest packet that the way out of this host takes whole. */
export function defaultRouteMtu(): number {
  const isDefault = ({ destination }: HostRoute): boolean => destination.prefixLength === 0
  const route = hostRoutes().find(isDefault)
  if (route === undefined) return usualMtu
  try {
    return Number(readFileSync(`/sys/class/net/${route.interfaceName}/mtu`, 'ascii'))
  } catch (error) {
    // /sys shows the network namespace it was mounted in, which may be another.
    if (isErrno(error, 'ENOENT')) return usualMtu
    throw error
  }
}

/** The kernel prints the number as it lies in memory: network order. */
function numberOf(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE()
}
