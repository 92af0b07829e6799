import { type Endpoint, endpointsOf } from '../../network/addresses.ts'
import { modeNetworkID } from '../../network/network-name.ts'
import { findNetwork } from '../../network/networks.ts'
import { portsOf } from '../../network/ports.ts'
import type { ImageProcessConfig } from '../../oci/image-config.ts'
import { nilList, nilMap } from '../../oci/nil.ts'
import { bundleOf } from '../../runtime/bundle.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import { asConfig, type NetworkAttachment } from '../config.ts'
import { attachmentsOf, namesInNetwork, networkNames } from '../networks/attachments.ts'
import { exposedBy } from '../networks/wanted-ports.ts'
import type { ContainerStores } from '../stores.ts'
import { inspectPorts } from './ports.ts'

type Stores = Pick<ContainerStores, 'database' | 'dataRoot' | 'stateRoot'>

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
  const config = asConfig(record.config)
  const { networkMode } = config
  const endpoints = isRunning ? endpointsOf(stores.database, record.id) : []
  const [first] = endpoints
  const names =
    endpoints.length === 0 ? networkNames(config) : endpoints.map((one) => one.networkName)
  const isReachable = isRunning && networkMode === 'bridge'
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: isRunning ? sandboxKey(stores, record) : '',
    Ports: isReachable
      ? inspectPorts(exposedBy(config, image), portsOf(stores.database, record.id))
      : new Map(),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: nilList,
    SecondaryIPv6Addresses: nilList,
    EndpointID: first?.hostInterface ?? '',
    ...addressing(first),
    Networks: new Map(
      names.map((name) => [
        name,
        inspectEndpoint(stores, record, { name, endpoint: endpointIn(endpoints, name) }),
      ]),
    ),
  }
}

function endpointIn(endpoints: readonly Endpoint[], name: string): Endpoint | undefined {
  return endpoints.find(({ networkName }) => networkName === name)
}

/** Source: docker Engine API "EndpointSettings" */
function inspectEndpoint(
  { database, dataRoot }: Stores,
  record: ContainerRecord,
  { name, endpoint }: { readonly name: string; readonly endpoint: Endpoint | undefined },
): object {
  const config = asConfig(record.config)
  const attachment = attachmentsOf(config).find((one) => one.name === name)
  const aliases = attachment?.aliases ?? []
  const { hostname } = config
  return {
    IPAMConfig: attachment === undefined ? null : wantedAddresses(attachment),
    Links: nilList,
    Aliases: aliases.length === 0 ? nilList : aliases,
    DriverOpts: nilMap,
    GwPriority: 0,
    NetworkID: findNetwork(database, name)?.id ?? modeNetworkID(dataRoot, name),
    EndpointID: endpoint?.hostInterface ?? '',
    ...addressing(endpoint),
    DNSNames: attachment === undefined ? nilList : namesInNetwork({ ...record, hostname }, aliases),
  }
}

function wantedAddresses({ address, address6 }: NetworkAttachment): object | null {
  if (address === undefined && address6 === undefined) return null
  return {
    ...(address === undefined ? {} : { IPv4Address: address }),
    ...(address6 === undefined ? {} : { IPv6Address: address6 }),
  }
}

function addressing(endpoint: Endpoint | undefined): object {
  return {
    Gateway: endpoint?.gateway ?? '',
    IPAddress: endpoint?.address ?? '',
    IPPrefixLen: endpoint?.prefixLength ?? 0,
    IPv6Gateway: endpoint?.ipv6?.gateway ?? '',
    GlobalIPv6Address: endpoint?.ipv6?.address ?? '',
    GlobalIPv6PrefixLen: endpoint?.ipv6?.prefixLength ?? 0,
    // An ipvlan interface has that of its parent.
    MacAddress: endpoint === undefined || endpoint.driver === 'ipvlan' ? '' : endpoint.macAddress,
  }
}

/** A path for `nsenter --net=`. */
function sandboxKey({ stateRoot }: Stores, record: ContainerRecord): string {
  if (asConfig(record.config).networkMode === 'bridge') {
    return bundleOf(stateRoot, record.namespace, record.id).netns
  }
  return record.process === undefined ? '' : `/proc/${record.process.pid}/ns/net`
}
