import { existsSync, writeFileSync } from 'node:fs'
import { TsctrError } from '../errors.ts'
import { readTextIfThere } from '../host/read-text.ts'
import { hostsFileText } from '../network/hosts-file.ts'
import type { NetworkKind } from '../network/network-kind.ts'
import { resolvConfText, systemdResolvConfPath } from '../network/resolv-conf.ts'
import type { Bundle } from '../runtime/bundle.ts'
import { type ContainerFiles, containerFiles } from '../runtime/container-files.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { asConfig, type ContainerConfig, type NetworkMode, namespacePathOf } from './config.ts'
import { refreshHostNames } from './networks/host-names.ts'
import { joinNetworks, wayOutside } from './networks/join-networks.ts'
import { type Peer, runningPeer } from './peers.ts'
import { containerHostname } from './spec/command-line.ts'
import type { EtcFiles, SpecInput } from './spec/spec-input.ts'
import type { ContainerStores } from './stores.ts'

export interface ContainerNetwork {
  readonly namespace: SpecInput['network']
  readonly etcFiles: EtcFiles
  /** Have the interfaces made and the ports published: to be done before the program starts. */
  plugIn(): Promise<void>
}

/**
 * Make the network that a container asks for, and the files in /etc that speak of it.
 *
 * What is made is recorded first, so that releaseRun finds it whatever happens in between.
 */
export async function prepareNetwork(
  stores: ContainerStores,
  record: ContainerRecord,
  bundle: Bundle,
): Promise<ContainerNetwork> {
  const config = asConfig(record.config)
  const files = containerFiles(stores.dataRoot, record.id)
  const peer = await runningPeer(stores, config.networkMode, '--network')
  if (peer !== undefined) return networkOf(stores, peer)
  if (config.networkMode !== 'bridge') {
    const etcFiles = writeEtcFiles(files, { config, containerId: record.id, ownAddresses: [] })
    return {
      namespace: namespaceOf(config.networkMode),
      etcFiles,
      plugIn: async () => {},
    }
  }
  const { joined, plugIn } = await joinNetworks(stores, record, bundle.netns)
  const etcFiles = writeEtcFiles(files, {
    config,
    containerId: record.id,
    ownAddresses: joined.flatMap(({ endpoint: { address, ipv6 } }) =>
      ipv6 === undefined ? [address] : [address, ipv6.address],
    ),
    hasIpv6: joined.some(({ endpoint }) => endpoint.ipv6 !== undefined),
    hostGateway: wayOutside(joined)?.endpoint.gateway ?? joined[0]?.endpoint.gateway,
  })
  await refreshHostNames(
    stores,
    joined.map(({ network }) => network.name),
  )
  return { namespace: { path: bundle.netns }, etcFiles, plugIn }
}

/** Another container's network, and its very files in /etc. */
function networkOf(stores: ContainerStores, { record, pid }: Peer): ContainerNetwork {
  const { hosts, hostname, resolvConf } = containerFiles(stores.dataRoot, record.id)
  return {
    namespace: { path: `/proc/${pid}/ns/net`, isForeign: true },
    etcFiles: { hosts, hostname, resolvConf },
    plugIn: async () => {},
  }
}

/** @throws NOT_FOUND if there is nothing at the path of an `ns:` mode */
function namespaceOf(mode: NetworkMode): SpecInput['network'] {
  const path = namespacePathOf(mode)
  if (path === undefined) return mode === 'host' ? 'host' : 'none'
  if (existsSync(path)) return { path, isForeign: true }
  throw new TsctrError('NOT_FOUND', `--network ${mode}: no such file`)
}

interface EtcRequest {
  readonly config: ContainerConfig
  readonly containerId: string
  readonly ownAddresses: readonly string[]
  readonly hasIpv6?: boolean | undefined
  /** Where the container reaches the host; undefined where it cannot. */
  readonly hostGateway?: string | undefined
}

function writeEtcFiles(files: ContainerFiles, request: EtcRequest): EtcFiles {
  const { config, containerId, ownAddresses } = request
  const networkKind = networkKindOf(config.networkMode)
  const { dns, extraHosts = [] } = config
  const hostname = containerHostname(config, containerId)
  write(files.hostname, `${hostname}\n`)
  write(
    files.hosts,
    hostsFileText({
      networkKind,
      hostFile: readTextIfThere('/etc/hosts') ?? '',
      hostname,
      domainname: config.domainname,
      ownAddresses,
      extraHosts: extraHosts.map(({ name, address }) => ({ address, names: [name] })),
      hostGateway: networkKind === 'host' ? '127.0.0.1' : request.hostGateway,
    }),
  )
  write(
    files.resolvConf,
    resolvConfText({
      networkKind,
      hostFile: readTextIfThere('/etc/resolv.conf') ?? '',
      systemdFile: readTextIfThere(systemdResolvConfPath),
      dns: dns?.servers ?? [],
      search: dns?.search ?? [],
      options: dns?.options ?? [],
      hasIpv6: request.hasIpv6,
    }),
  )
  return { hosts: files.hosts, hostname: files.hostname, resolvConf: files.resolvConf }
}

function networkKindOf(mode: NetworkMode): NetworkKind {
  return mode === 'host' || mode === 'none' ? mode : 'own'
}

/** Written in place: the file may be bind-mounted into a running container. */
function write(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o644 })
}
