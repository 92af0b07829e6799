import { existsSync, readdirSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import type { RuntimeLinux, RuntimeNamespace, RuntimeSeccomp } from '../../oci/runtime-spec.ts'
import type { ContainerConfig } from '../config.ts'
import { defaultSeccompProfile } from '../seccomp-profile.ts'
import { resolveSeccomp } from '../seccomp-resolve.ts'
import { grantedCapabilities } from './capabilities.ts'
import { cgroupsPath } from './cgroups-path.ts'
import { deviceNodes } from './devices.ts'
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

/** Paths of /proc and /sys that a container cannot see, and those that it cannot write to. */
export function guardedPaths({
  privileged,
  security,
}: Pick<ContainerConfig, 'privileged' | 'security'>): Pick<
  RuntimeLinux,
  'maskedPaths' | 'readonlyPaths'
> {
  if (privileged || security.isSystempathsUnconfined) return {}
  return { maskedPaths: maskedPaths(), readonlyPaths }
}

/** Whether the container gets a cgroup namespace of its own. */
export function hasCgroupNamespace({
  config,
  facts,
}: Pick<SpecInput, 'config' | 'facts'>): boolean {
  return (config.cgroupnsMode ?? (facts.cgroup.mode === 'v2' ? 'private' : 'host')) === 'private'
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

// What shows or steers the host through /proc and /sys. Source: docker's default spec;
// GHSA-6fw5-f8r9-fgfm and GHSA-jq35-85cj-fj4p for interrupts and thermal_throttle.
const alwaysMasked = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]

const readonlyPaths = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
] as const

function maskedPaths(): string[] {
  const cpus = '/sys/devices/system/cpu'
  if (!existsSync(`${cpus}/cpu0/thermal_throttle`)) return alwaysMasked
  const names = readdirSync(cpus).filter((name) => /^cpu\d+$/.test(name))
  return [...alwaysMasked, ...names.map((name) => `${cpus}/${name}/thermal_throttle`)]
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
