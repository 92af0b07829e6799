import { readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, hostname, machine, release, totalmem } from 'node:os'
import { isErrno } from '../errors.ts'

export interface HostDescription {
  readonly name: string
  readonly kernelVersion: string
  /** As the distribution calls itself: `Debian GNU/Linux 12 (bookworm)`. */
  readonly operatingSystem: string
  readonly operatingSystemVersion: string
  /** As `uname -m` says: `x86_64`. */
  readonly architecture: string
  /** That this process may run on. */
  readonly cpus: number
  readonly memoryBytes: number
  /** undefined where no cgroup filesystem is mounted in the usual place. */
  readonly cgroupVersion: 1 | 2 | undefined
  readonly hasSeccomp: boolean
  readonly hasAppArmor: boolean
  /** Whether rlimits may be raised and oom_score_adj lowered. */
  readonly canRaiseLimits: boolean
}

const CGROUP2_SUPER_MAGIC = 0x63677270
const TMPFS_MAGIC = 0x01021994
const CAP_SYS_RESOURCE = 24n

/** What this machine is, as far as containers care. Reads files only. */
export function describeHost(): HostDescription {
  const distribution = osRelease()
  const status = readOr('/proc/self/status', '')
  return {
    name: hostname(),
    kernelVersion: release(),
    operatingSystem: distribution.get('PRETTY_NAME') ?? distribution.get('NAME') ?? 'Linux',
    operatingSystemVersion: distribution.get('VERSION_ID') ?? '',
    architecture: machine(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    cgroupVersion: cgroupVersion(),
    hasSeccomp: /^Seccomp:/m.test(status),
    hasAppArmor: readOr('/sys/module/apparmor/parameters/enabled', '').startsWith('Y'),
    canRaiseLimits: hasCapability(status, CAP_SYS_RESOURCE),
  }
}

/** Source: cgroups(7): version 1 has a tmpfs with a directory for each controller. */
function cgroupVersion(): 1 | 2 | undefined {
  try {
    const { type } = statfsSync('/sys/fs/cgroup')
    if (type === CGROUP2_SUPER_MAGIC) return 2
    return type === TMPFS_MAGIC ? 1 : undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES')) return undefined
    throw error
  }
}

function hasCapability(status: string, capability: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'
  return ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n
}

/** Source: os-release(5) */
function osRelease(): ReadonlyMap<string, string> {
  const text = readOr('/etc/os-release', readOr('/usr/lib/os-release', ''))
  const lines = text.matchAll(/^([A-Z_]+)=(?:"((?:\\.|[^"\\])*)"|'([^']*)'|(.*))$/gm)
  return new Map(
    Array.from(lines, ([, key = '', double, single, plain]) => [
      key,
      double?.replace(/\\(.)/g, '$1') ?? single ?? plain ?? '',
    ]),
  )
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EINVAL')) return fallback
    throw error
  }
}
