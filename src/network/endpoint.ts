import { hasCode } from '../errors.ts'
import type { Database } from '../host/database.ts'
import { deleteEndpoint, type Endpoint, endpointsOf } from './addresses.ts'
import { interfaceExists } from './bridge.ts'
import { ipv6PathOf, portAddress6 } from './ipv6-path.ts'
import { isNetworkNamespace, runInNetworkNamespace } from './network-namespace.ts'
import { networkOptions } from './network-options.ts'
import { ipBatch } from './network-programs.ts'
import type { Network } from './networks.ts'
import { subInterfaceCommands } from './sub-interface.ts'

/**
 * Plug a container's network namespace into a network: a veth pair between the bridge and the
 * namespace, the address, the default route. Done again, it makes the pair anew.
 *
 * @param netnsPath  where createNetworkNamespace keeps it
 */
export async function connectEndpoint(
  endpoint: Endpoint,
  {
    network,
    netnsPath,
    hasDefaultRoute,
    hasPorts = false,
  }: {
    readonly network: Network
    readonly netnsPath: string
    /** Whether what is for nowhere else leaves here: of one network of a container. */
    readonly hasDefaultRoute: boolean
    /** Whether ports of the container are published. */
    readonly hasPorts?: boolean | undefined
  },
): Promise<void> {
  await unplug(endpoint)
  const outside = network.driver === 'bridge' ? pairCommands : subInterfaceCommands
  try {
    await ipBatch(outside(endpoint, network, netnsPath))
    const inside = [
      ...insideCommands(endpoint, hasDefaultRoute),
      ...(hasPorts ? pathCommands(endpoint, network) : []),
    ]
    await runInNetworkNamespace(netnsPath, () => ipBatch(inside))
  } catch (error) {
    // A failure of cleaning up must not replace what went wrong.
    await unplug(endpoint).catch(() => {})
    throw error
  }
}

/** Let packets for a container's ports come in by IPv6, where its network carries IPv4 only. */
export async function openIpv6Path(
  endpoint: Endpoint,
  { network, netnsPath }: { readonly network: Network; readonly netnsPath: string },
): Promise<void> {
  const commands = pathCommands(endpoint, network)
  if (commands.length === 0) return
  await runInNetworkNamespace(netnsPath, () => ipBatch(commands))
}

/** What is for nowhere else leaves through the endpoint. */
export function defaultRoutes({ gateway, ipv6 }: Endpoint, verb: 'add' | 'replace'): string[] {
  const gateways = [gateway, ipv6?.gateway ?? ''].filter((address) => address !== '')
  return gateways.map((address) => `route ${verb} default via ${address}`)
}

/**
 * Unplug a container from all its networks and give its addresses back. The caller may do other
 * things until the promise is kept: most of the time goes by in the kernel.
 */
export async function releaseEndpoints(database: Database, containerId: string): Promise<void> {
  for (const endpoint of endpointsOf(database, containerId)) {
    await releaseEndpoint(database, endpoint)
  }
}

/** Unplug one endpoint and give its address back. What is gone already is no error. */
export async function releaseEndpoint(database: Database, endpoint: Endpoint): Promise<void> {
  // The address is free only when nobody answers for it any more.
  await unplug(endpoint)
  deleteEndpoint(database, endpoint)
}

function pairCommands(endpoint: Endpoint, network: Network, netnsPath: string): string[] {
  const { hostInterface, interfaceName, macAddress } = endpoint
  const { bridgeName, mtu } = network
  return [
    `link add ${hostInterface} mtu ${mtu} master ${bridgeName} type veth` +
      ` peer name ${interfaceName} mtu ${mtu} address ${macAddress} netns "${netnsPath}"`,
    // Hairpin: with br_netfilter a container's packet to its own published port stays on its port.
    `link set ${hostInterface} type bridge_slave hairpin on isolated ${isOpen(network) ? 'off' : 'on'}`,
    `link set ${hostInterface} addrgenmode none up`,
  ]
}

/** Whether containers of the network may speak to each other. */
function isOpen({ options }: Network): boolean {
  return options[networkOptions.icc] !== 'false'
}

function insideCommands(endpoint: Endpoint, hasDefaultRoute: boolean): string[] {
  const { interfaceName, address, prefixLength, ipv6 } = endpoint
  return [
    'link set lo up',
    `link set ${interfaceName} addrgenmode none up`,
    `addr add ${address}/${prefixLength} dev ${interfaceName}`,
    ...(ipv6 === undefined
      ? []
      : [`addr add ${ipv6.address}/${ipv6.prefixLength} dev ${interfaceName} nodad`]),
    ...(hasDefaultRoute ? defaultRoutes(endpoint, 'add') : []),
  ]
}

function pathCommands(endpoint: Endpoint, network: Network): string[] {
  const path = ipv6PathOf(network)
  if (path === undefined) return []
  const address = `${portAddress6(network, endpoint)}/${path.subnet.prefixLength}`
  return [`addr replace ${address} dev ${endpoint.interfaceName} nodad`]
}

async function unplug(endpoint: Endpoint): Promise<void> {
  const { driver, netnsPath, interfaceName } = endpoint
  if (driver === 'bridge') return removeHostInterface(endpoint)
  // It goes with its namespace, which another container may keep.
  if (netnsPath === undefined || !isNetworkNamespace(netnsPath)) return
  await runInNetworkNamespace(netnsPath, async () => {
    if (interfaceExists(interfaceName)) await ipBatch([`link del ${interfaceName}`])
  })
}

/** With one end of a veth pair the kernel removes the other. */
async function removeHostInterface({ hostInterface }: Endpoint): Promise<void> {
  if (!interfaceExists(hostInterface)) return
  try {
    await ipBatch([`link del ${hostInterface}`])
  } catch (error) {
    // It ended meanwhile with the container's namespace, or somebody else cleans up as well. The words
    // are of `ip` if the name was gone, of the kernel if it went after `ip` had looked it up.
    const isGone =
      hasCode(error, 'RUNTIME_FAILED') && /Cannot find device|No such device/.test(error.message)
    if (!isGone) throw error
  }
}
