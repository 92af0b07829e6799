import { existsSync } from 'node:fs'
import { TsctrError } from '../errors.ts'
import type { Endpoint } from './addresses.ts'
import { networkOptions } from './network-options.ts'
import type { Network } from './networks.ts'

/**
 * The interface of the host that containers of the network go out by.
 *
 * @throws  FAILED_PRECONDITION if it is not there
 */
export function requireParent({ name, options }: Pick<Network, 'name' | 'options'>): string {
  const parent = options[networkOptions.parent]
  if (parent === undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `network ${name}: has no parent interface`, {
      hint: '--opt parent=INTERFACE',
    })
  }
  if (existsSync(`/proc/sys/net/ipv4/conf/${parent}`)) return parent
  throw new TsctrError(
    'FAILED_PRECONDITION',
    `network ${name}: parent ${parent}: no such interface`,
    { hint: 'see ip link' },
  )
}

/** The interface is made in the container's namespace at once, so it ends with it. */
export function subInterfaceCommands(
  { interfaceName, macAddress }: Endpoint,
  network: Network,
  netnsPath: string,
): string[] {
  const parent = requireParent(network)
  const mtu = network.options[networkOptions.mtu]
  const words = [
    `link add link ${parent} name ${interfaceName}`,
    ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
    // All ipvlan interfaces have the hardware address of their parent.
    ...(network.driver === 'macvlan' ? [`address ${macAddress}`] : []),
    `netns "${netnsPath}" type ${network.driver} mode ${modeOf(network)}`,
  ]
  return [words.join(' ')]
}

function modeOf({ driver, options }: Network): string {
  return driver === 'macvlan'
    ? (options[networkOptions.macvlanMode] ?? 'bridge')
    : (options[networkOptions.ipvlanMode] ?? 'l2')
}
