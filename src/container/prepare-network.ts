import { writeFileSync } from 'node:fs'
import { selfAsOwner } from '../host/owner.ts'
import { readTextIfThere } from '../host/read-text.ts'
import { allocateAddress } from '../network/allocate-address.ts'
import { defaultNetworkName, ensureDefaultNetwork } from '../network/default-network.ts'
import { connectEndpoint } from '../network/endpoint.ts'
import { hostsFileText } from '../network/hosts-file.ts'
import type { NetworkKind } from '../network/network-kind.ts'
import { createNetworkNamespace } from '../network/network-namespace.ts'
import { resolvConfText, systemdResolvConfPath } from '../network/resolv-conf.ts'
import type { Bundle } from '../runtime/bundle.ts'
import { type ContainerFiles, containerFiles } from '../runtime/container-files.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { asConfig, type ContainerConfig } from './config.ts'
import { containerHostname } from './spec/process.ts'
import type { EtcFiles, SpecInput } from './spec/spec-input.ts'
import type { ContainerStores } from './stores.ts'

export interface ContainerNetwork {
  readonly namespace: SpecInput['network']
  readonly etcFiles: EtcFiles
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
  if (config.networkMode !== 'bridge') {
    const etcFiles = writeEtcFiles(files, { config, containerId: record.id, ownAddresses: [] })
    return { namespace: config.networkMode, etcFiles }
  }
  const network = await ensureDefaultNetwork(stores.database, { dataRoot: stores.dataRoot })
  const endpoint = await allocateAddress(stores.database, {
    networkName: defaultNetworkName,
    containerId: record.id,
    owner: selfAsOwner(),
  })
  createNetworkNamespace(bundle.netns)
  await connectEndpoint(endpoint, { network, netnsPath: bundle.netns })
  const etcFiles = writeEtcFiles(files, {
    config,
    containerId: record.id,
    ownAddresses: [endpoint.address],
  })
  return { namespace: { path: bundle.netns }, etcFiles }
}

interface EtcRequest {
  readonly config: ContainerConfig
  readonly containerId: string
  readonly ownAddresses: readonly string[]
}

function writeEtcFiles(files: ContainerFiles, request: EtcRequest): EtcFiles {
  const { config, containerId, ownAddresses } = request
  const networkKind: NetworkKind = config.networkMode === 'bridge' ? 'own' : config.networkMode
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
      extraHosts: [],
    }),
  )
  write(
    files.resolvConf,
    resolvConfText({
      networkKind,
      hostFile: readTextIfThere('/etc/resolv.conf') ?? '',
      systemdFile: readTextIfThere(systemdResolvConfPath),
      dns: [],
      search: [],
      options: [],
    }),
  )
  return { hosts: files.hosts, hostname: files.hostname, resolvConf: files.resolvConf }
}

/** Written in place: the file may be bind-mounted into a running container. */
function write(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o644 })
}
