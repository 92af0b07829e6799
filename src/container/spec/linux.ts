import { TsctrError } from '../../errors.ts'
import type { RuntimeLinux, RuntimeNamespace, RuntimeSeccomp } from '../../oci/runtime-spec.ts'
import { defaultSeccompProfile } from '../seccomp-profile.ts'
import { resolveSeccomp } from '../seccomp-resolve.ts'
import { grantedCapabilities } from './capabilities.ts'
import { hasCgroupNamespace } from './cgroup-namespace.ts'
import { cgroupsPath } from './cgroups-path.ts'
import { deviceNodes } from './devices.ts'
import { guardedPaths } from './guarded-paths.ts'
import { rootfsPropagation } from './propagation.ts'
import { buildResources } from './resources.ts'
import type { SpecInput } from './spec-input.ts'
import { buildSysctls } from './sysctls.ts'

/** Source: OCI runtime-spec §config-linux.md */
export function buildLinux(input: SpecInput): RuntimeLinux {
  const { config, facts } = input
  const sysctl = buildSysctls(config, input.network)
  const propagation = rootfsPropagation(config.mounts)
  const seccomp = buildSeccomp(input)
  return {
    namespaces: buildNamespaces(input),
    cgroupsPath: cgroupsPath(config, input.containerId),
    devices: deviceNodes(config),
    resources: buildResources(config, facts),
    ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    ...guardedPaths(config),
    ...(seccomp === undefined ? {} : { seccomp }),
  }
}

function buildNamespaces(input: SpecInput): RuntimeNamespace[] {
  const { config, network, peers = {} } = input
  const namespaces: RuntimeNamespace[] = [{ type: 'mount' }]
  if (config.pidMode !== 'host') namespaces.push(namespaceOf('pid', peers.pid))
  if (config.ipcMode !== 'host') namespaces.push(namespaceOf('ipc', peers.ipc))
  if (config.utsMode === 'private') namespaces.push({ type: 'uts' })
  if (network === 'none') namespaces.push({ type: 'network' })
  else if (network !== 'host') namespaces.push({ type: 'network', path: network.path })
  if (hasCgroupNamespace(input)) namespaces.push({ type: 'cgroup' })
  return namespaces
}

function namespaceOf(type: RuntimeNamespace['type'], path: string | undefined): RuntimeNamespace {
  return path === undefined ? { type } : { type, path }
}

function buildSeccomp({ config, facts }: SpecInput): RuntimeSeccomp | undefined {
  const { seccomp } = config.security
  if (config.privileged || seccomp === 'unconfined') return undefined
  if (!facts.hasSeccomp) {
    if (seccomp === 'default') return undefined
    throw new TsctrError('FAILED_PRECONDITION', 'seccomp profile: this kernel has no seccomp')
  }
  return resolveSeccomp(seccomp === 'default' ? defaultSeccompProfile : seccomp, {
    capabilities: grantedCapabilities(config, facts, false),
    architecture: facts.architecture,
    kernel: facts.kernel,
  })
}
