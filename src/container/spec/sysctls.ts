import { existsSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import { type ContainerConfig, peerOf } from '../config.ts'
import type { SpecInput } from './spec-input.ts'

/** Docker's: ports below 1024 and `ping` need no privilege inside a network namespace. */
const networkDefaults: readonly (readonly [string, string])[] = [
  ['net.ipv4.ip_unprivileged_port_start', '0'],
  ['net.ipv4.ping_group_range', '0 2147483647'],
]

/**
 * Kernel settings of the container's own namespaces.
 *
 * @throws  INVALID_ARGUMENT for one that would change the host
 */
export function buildSysctls(
  config: Pick<ContainerConfig, 'sysctls' | 'domainname' | 'utsMode' | 'ipcMode'>,
  network: SpecInput['network'],
): Record<string, string> {
  for (const name of Object.keys(config.sysctls)) {
    const sharing = sharedNamespace(name, config, network)
    if (sharing !== undefined) {
      const message = `sysctl ${name}: would change ${sharing} too, whose namespace is shared`
      throw new TsctrError('INVALID_ARGUMENT', message)
    }
  }
  const isShared = network === 'host' || isForeign(network)
  const defaults = isShared ? [] : networkDefaults.filter(([name]) => isKnown(name))
  // The runtime spec has no field for the NIS domain name before 1.1, which runc 1.1 does not read.
  const domain =
    config.domainname === undefined ? [] : [['kernel.domainname', config.domainname] as const]
  return Object.fromEntries([...defaults, ...domain, ...Object.entries(config.sysctls)])
}

function sharedNamespace(
  name: string,
  config: Pick<ContainerConfig, 'utsMode' | 'ipcMode'>,
  network: SpecInput['network'],
): string | undefined {
  if (name.startsWith('net.')) {
    if (network === 'host') return 'the host'
    return isForeign(network) ? 'others' : undefined
  }
  if (name === 'kernel.domainname') return config.utsMode === 'host' ? 'the host' : undefined
  if (config.ipcMode === 'host') return 'the host'
  return peerOf(config.ipcMode) === undefined ? undefined : 'others'
}

function isForeign(network: SpecInput['network']): boolean {
  return typeof network === 'object' && network.isForeign === true
}

function isKnown(name: string): boolean {
  return existsSync(`/proc/sys/${name.replaceAll('.', '/')}`)
}
