import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isErrno, TsctrError } from '../errors.ts'

const settings = '/proc/sys/net/ipv6/conf'
const forwardingSwitch = `${settings}/all/forwarding`

export function isForwarding6(): boolean {
  return read(forwardingSwitch) === '1'
}

/**
 * Have the host forward IPv6. A host that forwards takes no routes from routers any more, unless its
 * interfaces are told to take them all the same: else it would lose its own way out.
 *
 * Source: ip-sysctl.rst accept_ra
 */
export function enableForwarding6(): void {
  if (isForwarding6()) return
  try {
    for (const name of readdirSync(settings))
      keepRouterAdvertisements(`${settings}/${name}/accept_ra`)
    writeFileSync(forwardingSwitch, '1')
  } catch (cause) {
    throw new TsctrError(
      'FAILED_PRECONDITION',
      'net.ipv6.conf.all.forwarding: cannot be switched on',
      {
        hint: 'sysctl -w net.ipv6.conf.all.forwarding=1, or make the network without --ipv6',
        cause,
      },
    )
  }
}

function keepRouterAdvertisements(path: string): void {
  if (read(path) === '1') writeFileSync(path, '2')
}

/** @returns undefined where the kernel has no IPv6, or the interface is gone */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'ascii').trim()
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    return undefined
  }
}
