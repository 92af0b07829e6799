import { posix } from 'node:path'
import { TsctrError } from '../../errors.ts'
import type { RuntimeMount } from '../../oci/runtime-spec.ts'
import type { BindMount, ConfiguredMount } from '../config.ts'
import { findInitProgram, initProgramTarget } from './init-program.ts'
import type { EtcFiles, SpecInput } from './spec-input.ts'

/**
 * Everything that is mounted in the container: the usual filesystems, the files in /etc, then what
 * the user asked for, which takes the place of a usual one at the same path. Parents come first.
 *
 * @throws  INVALID_ARGUMENT if the user mounts twice at one path
 */
export function buildMounts(input: SpecInput): RuntimeMount[] {
  const { config } = input
  refuseRelabel(input)
  const own = config.mounts.map((mount) => userMount(mount, input))
  refuseDuplicates(own)
  const targets = new Set(own.map(({ destination }) => destination))
  const isReplaced = ({ destination }: RuntimeMount): boolean =>
    targets.has(destination) || (targets.has('/dev') && destination.startsWith('/dev/'))
  const usual = [...filesystems(input), ...etcFiles(input.files)].filter((m) => !isReplaced(m))
  return [...usual, ...own, ...initProgram(input)].sort(byDepth)
}

function filesystems(input: SpecInput): RuntimeMount[] {
  const { config } = input
  const sysAccess = config.privileged ? 'rw' : 'ro'
  const isCgroupWritable = config.privileged || config.security.isWritableCgroups
  const safe = ['nosuid', 'noexec', 'nodev']
  return [
    filesystem('/proc', 'proc', 'proc', safe),
    filesystem('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    filesystem('/dev/pts', 'devpts', 'devpts', [
      'nosuid',
      'noexec',
      'newinstance',
      'ptmxmode=0666',
      'mode=0620',
      'gid=5',
    ]),
    filesystem('/sys', 'sysfs', 'sysfs', [...safe, sysAccess]),
    filesystem('/sys/fs/cgroup', 'cgroup', 'cgroup', [...safe, isCgroupWritable ? 'rw' : 'ro']),
    ...messageFilesystems(input),
  ]
}

/** /dev/shm and /dev/mqueue belong to the IPC namespace. */
function messageFilesystems({ config, sharedMemory }: SpecInput): RuntimeMount[] {
  const safe = ['nosuid', 'noexec', 'nodev']
  // It shows the queues of the namespace; not every host has a /dev/mqueue of its own.
  const queues = filesystem('/dev/mqueue', 'mqueue', 'mqueue', safe)
  if (config.ipcMode === 'host') {
    return [queues, filesystem('/dev/shm', 'bind', '/dev/shm', ['rbind', 'rw'])]
  }
  if (config.ipcMode === 'none') return [queues]
  if (sharedMemory !== undefined) {
    return [queues, filesystem('/dev/shm', 'bind', sharedMemory, ['rbind', 'rprivate', 'rw'])]
  }
  return [queues, { ...sharedMemoryTmpfs(config), destination: '/dev/shm' }]
}

/** What /dev/shm is. */
export function sharedMemoryTmpfs({
  shmSizeBytes,
}: Pick<SpecInput['config'], 'shmSizeBytes'>): Omit<RuntimeMount, 'destination'> {
  const size = shmSizeBytes === undefined ? '65536k' : String(shmSizeBytes)
  const options = ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${size}`]
  return { type: 'tmpfs', source: 'shm', options }
}

function etcFiles(files: EtcFiles): RuntimeMount[] {
  const places = [
    ['/etc/resolv.conf', files.resolvConf],
    ['/etc/hostname', files.hostname],
    ['/etc/hosts', files.hosts],
  ] as const
  return places.flatMap(([path, source]) =>
    source === undefined ? [] : [filesystem(path, 'bind', source, ['rbind', 'rprivate'])],
  )
}

function userMount(mount: ConfiguredMount, input: SpecInput): RuntimeMount {
  if (mount.type === 'bind') {
    return filesystem(mount.target, 'bind', mount.source, bindOptions(mount, input))
  }
  if (mount.type === 'volume') throw new Error(`bug: volume at ${mount.target} is not bound`)
  return filesystem(mount.target, 'tmpfs', 'tmpfs', tmpfsOptions(mount.options))
}

function bindOptions(mount: BindMount, { facts }: SpecInput): string[] {
  const { isReadOnly, readOnlyReach, isRecursive, propagation } = mount
  const { major, minor } = facts.kernel
  // mount_setattr(2) came with 5.12; before it, read-only reached the top mount alone.
  const canReachBelow = major > 5 || (major === 5 && minor >= 12)
  if (isReadOnly && readOnlyReach === 'all' && !canReachBelow) {
    const message = `mount ${mount.target}: bind-recursive=readonly needs Linux 5.12`
    throw new TsctrError('UNSUPPORTED', message)
  }
  const isReadOnlyBelow = isRecursive && readOnlyReach !== 'top' && canReachBelow
  const access = isReadOnly ? (isReadOnlyBelow ? ['ro', 'rro'] : ['ro']) : ['rw']
  return [isRecursive ? 'rbind' : 'bind', propagation, ...access]
}

/** Docker's noexec, nosuid, nodev, each undone by its opposite. */
function tmpfsOptions(given: readonly string[]): string[] {
  const isUndone = (option: string): boolean =>
    given.includes(option) || given.includes(option.replace(/^no/, ''))
  return [...['noexec', 'nosuid', 'nodev'].filter((option) => !isUndone(option)), ...given]
}

function initProgram({ config }: SpecInput): RuntimeMount[] {
  if (!config.init) return []
  const source = findInitProgram(config.initBinary)
  return [filesystem(initProgramTarget, 'bind', source, ['bind', 'ro'])]
}

function filesystem(
  destination: string,
  type: string,
  source: string,
  options: readonly string[],
): RuntimeMount {
  return { destination, type, source, options }
}

function byDepth(a: RuntimeMount, b: RuntimeMount): number {
  return depthOf(a.destination) - depthOf(b.destination)
}

function depthOf(path: string): number {
  return posix.normalize(path).split('/').filter(Boolean).length
}

function refuseDuplicates(mounts: readonly RuntimeMount[]): void {
  const seen = new Set<string>()
  for (const { destination } of mounts) {
    if (seen.has(destination)) {
      throw new TsctrError('INVALID_ARGUMENT', `mount ${destination}: given twice`)
    }
    seen.add(destination)
  }
}

/**
 * `:z` and `:Z` mean nothing without SELinux, and with it more than tsctr can do so far.
 *
 * @throws  UNSUPPORTED
 */
export function refuseRelabel({ config, facts }: Pick<SpecInput, 'config' | 'facts'>): void {
  if (!facts.hasSelinux) return
  const mount = config.mounts.find((one) => one.type !== 'tmpfs' && one.relabel !== undefined)
  if (mount === undefined) return
  const message = `mount ${mount.target}: relabelling for SELinux (z, Z) is not supported yet`
  throw new TsctrError('UNSUPPORTED', message, { hint: 'label the directory with chcon' })
}
