import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { release } from 'node:os'
import { isErrno } from '../errors.ts'
import { type CapabilityName, capabilitiesOfMask } from '../oci/capability.ts'
import { hostPlatform } from './platform.ts'

/** What this machine gives to containers; hosts differ in all of it. */
export interface HostFacts {
  readonly cgroup: CgroupFacts
  readonly hasAppArmor: boolean
  readonly hasSeccomp: boolean
  readonly hasSelinux: boolean
  readonly hasIpv6: boolean
  /** What this process may hand on: permitted and in its bounding set. */
  readonly capabilities: readonly CapabilityName[]
  readonly kernel: { readonly major: number; readonly minor: number }
  /** OCI's name, `amd64`. */
  readonly architecture: string
}

export interface CgroupFacts {
  /** `hybrid`: controllers on v1, with a v2 tree beside them. */
  readonly mode: 'v1' | 'v2' | 'hybrid' | 'none'
  /** Swap can be limited apart from memory. */
  readonly hasSwapLimit: boolean
}

/** Look at the machine; reads a dozen small files, nothing is cached. */
export function hostFacts(): HostFacts {
  const status = readFileSync('/proc/self/status', 'latin1')
  const bounding = capabilitiesOfMask(statusField(status, 'CapBnd') ?? '0')
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number)
  return {
    cgroup: readCgroupFacts(),
    hasAppArmor: readText('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') ?? false,
    hasSeccomp: statusField(status, 'Seccomp') !== undefined,
    hasSelinux: existsSync('/sys/fs/selinux/enforce'),
    hasIpv6: readText('/proc/sys/net/ipv6/conf/all/disable_ipv6')?.startsWith('0') ?? false,
    capabilities: capabilitiesOfMask(statusField(status, 'CapPrm') ?? '0').filter((name) =>
      bounding.includes(name),
    ),
    kernel: { major, minor },
    architecture: hostPlatform().architecture,
  }
}

// Source: linux/magic.h CGROUP2_SUPER_MAGIC
const cgroup2Magic = 0x63677270

function readCgroupFacts(): CgroupFacts {
  const root = '/sys/fs/cgroup'
  if (!existsSync(root)) return { mode: 'none', hasSwapLimit: false }
  if (statfsSync(root).type === cgroup2Magic) {
    return { mode: 'v2', hasSwapLimit: existsSync('/proc/swaps') }
  }
  const types = mountTypesBelow(root)
  const mode = !types.has('cgroup') ? 'none' : types.has('cgroup2') ? 'hybrid' : 'v1'
  return { mode, hasSwapLimit: existsSync(`${root}/memory/memory.memsw.limit_in_bytes`) }
}

function mountTypesBelow(directory: string): Set<string> {
  const types = new Set<string>()
  for (const line of readFileSync('/proc/self/mounts', 'latin1').split('\n')) {
    const [, target, type] = line.split(' ')
    if (type !== undefined && target?.startsWith(`${directory}/`)) types.add(type)
  }
  return types
}

function statusField(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1]
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return undefined
    throw error
  }
}
