import { type Endpoint, endpointsOf } from '../../network/addresses.ts'
import { findNetwork } from '../../network/networks.ts'
import type { ImageProcessConfig } from '../../oci/image-config.ts'
import { nilList, nilMap } from '../../oci/nil.ts'
import { bundleOf } from '../../runtime/bundle.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import { asConfig, type NetworkMode, namespacePathOf, peerOf } from '../config.ts'
import type { ContainerStores } from '../stores.ts'

type Stores = Pick<ContainerStores, 'database' | 'stateRoot'>

/**
 * How the container is reached, while it runs. The fields of its first network stand at the top
 * too: docker has dropped them there, scripts have not.
 *
 * Source: docker Engine API "NetworkSettings"
 */
export function inspectNetworkSettings(
  stores: Stores,
  record: ContainerRecord,
  { image, isRunning }: { readonly image: ImageProcessConfig; readonly isRunning: boolean },
): object {
  const { networkMode } = asConfig(record.config)
  const endpoints = isRunning ? endpointsOf(stores.database, record.id) : []
  const [first] = endpoints
  const names =
    endpoints.length === 0 ? networksOf(networkMode) : endpoints.map((one) => one.networkName)
  const isReachable = isRunning && networkMode === 'bridge'
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: isRunning ? sandboxKey(stores, record) : '',
    Ports: new Map(isReachable ? image.exposedPorts.map((port) => [port, nilList]) : []),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: nilList,
    SecondaryIPv6Addresses: nilList,
    EndpointID: first?.hostInterface ?? '',
    ...addressing(first),
    Networks: new Map(
      names.map((name) => [name, inspectEndpoint(stores, name, endpointIn(endpoints, name))]),
    ),
  }
}

/** Networks that a mode names: none where the network is another container's or from elsewhere. */
export function networksOf(mode: NetworkMode): string[] {
  return (peerOf(mode) ?? namespacePathOf(mode)) ? [] : [mode]
}

function endpointIn(endpoints: readonly Endpoint[], name: string): Endpoint | undefined {
  return endpoints.find(({ networkName }) => networkName === name)
}

/** Source: docker Engine API "EndpointSettings" */
function inspectEndpoint(stores: Stores, name: string, endpoint: Endpoint | undefined): object {
  return {
    IPAMConfig: null,
    Links: nilList,
    Aliases: nilList,
    DriverOpts: nilMap,
    GwPriority: 0,
    NetworkID: findNetwork(stores.database, name)?.id ?? '',
    EndpointID: endpoint?.hostInterface ?? '',
    ...addressing(endpoint),
    DNSNames: nilList,
  }
}

function addressing(endpoint: Endpoint | undefined): object {
  return {
    Gateway: endpoint?.gateway ?? '',
    IPAddress: endpoint?.address ?? '',
    IPPrefixLen: endpoint?.prefixLength ?? 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    MacAddress: endpoint?.macAddress ?? '',
  }
}

/** A path for `nsenter --net=`. */
function sandboxKey({ stateRoot }: Stores, record: ContainerRecord): string {
  if (asConfig(record.config).networkMode === 'bridge') {
    return bundleOf(stateRoot, record.namespace, record.id).netns
  }
  return record.process === undefined ? '' : `/proc/${record.process.pid}/ns/net`
}
