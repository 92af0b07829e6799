import { endpointsIn } from '../../network/addresses.ts'
import { defaultNetworkName } from '../../network/network-name.ts'
import type { Network } from '../../network/networks.ts'
import { nilMap } from '../../oci/nil.ts'
import { getContainer } from '../../store/containers.ts'
import type { NetworkStores } from './create-network.ts'
import { findListed, type ListedNetwork } from './list-networks.ts'

/**
 * All that is known of a network, in docker's form, with the containers that are in it now.
 *
 * @throws  NOT_FOUND
 * Source: docker Engine API "Network"
 */
export async function inspectNetwork(stores: NetworkStores, name: string): Promise<object> {
  const network = await findListed(stores, name)
  return {
    Name: network.name,
    Id: network.id,
    Created: network.createdAt.toISOString(),
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: hasSubnet(network) && network.subnet6 !== undefined,
    IPAM: { Driver: 'default', Options: nilMap, Config: hasSubnet(network) ? ipam(network) : [] },
    Internal: network.isInternal,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: hasSubnet(network) ? users(stores, network) : new Map(),
    Options: hasSubnet(network) ? new Map(Object.entries(optionsOf(network))) : new Map(),
    Labels: new Map(Object.entries(network.labels)),
  }
}

function hasSubnet(network: ListedNetwork | Network): network is Network {
  return 'subnet' in network
}

/** Docker names what it has chosen for the default network. */
function optionsOf({ name, options, bridgeName, mtu }: Network): Readonly<Record<string, string>> {
  if (name !== defaultNetworkName) return options
  return {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': 'true',
    'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
    'com.docker.network.bridge.name': bridgeName,
    'com.docker.network.driver.mtu': String(mtu),
    ...options,
  }
}

function ipam(network: Network): object[] {
  const { subnet, gateway, ipRange, subnet6, gateway6, ipRange6 } = network
  const auxiliary = Object.entries(network.auxAddresses)
  return [
    pool(
      subnet,
      gateway,
      ipRange,
      auxiliary.filter(([, address]) => !address.includes(':')),
    ),
    ...(subnet6 === undefined
      ? []
      : [
          pool(
            subnet6,
            gateway6,
            ipRange6,
            auxiliary.filter(([, address]) => address.includes(':')),
          ),
        ]),
  ]
}

function pool(
  subnet: string,
  gateway: string | undefined,
  ipRange: string | undefined,
  auxiliary: readonly (readonly [string, string])[],
): object {
  return {
    Subnet: subnet,
    ...(ipRange === undefined ? {} : { IPRange: ipRange }),
    ...(gateway === undefined ? {} : { Gateway: gateway }),
    ...(auxiliary.length === 0 ? {} : { AuxiliaryAddresses: new Map(auxiliary) }),
  }
}

function users({ database }: NetworkStores, { name }: Network): ReadonlyMap<string, object> {
  return new Map(
    endpointsIn(database, name).map((endpoint) => [
      endpoint.containerId,
      {
        Name: getContainer(database, endpoint.containerId)?.name ?? '',
        EndpointID: endpoint.hostInterface,
        MacAddress: endpoint.macAddress,
        IPv4Address: `${endpoint.address}/${endpoint.prefixLength}`,
        IPv6Address:
          endpoint.ipv6 === undefined
            ? ''
            : `${endpoint.ipv6.address}/${endpoint.ipv6.prefixLength}`,
      },
    ]),
  )
}
