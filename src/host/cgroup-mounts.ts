import { readFileSync } from 'node:fs'

/** Where a cgroup hierarchy is mounted, and which of its cgroups is seen there. */
export interface CgroupMount {
  readonly target: string
  /** `/`, or a cgroup below it where only a part is mounted, as in a container. */
  readonly root: string
}

export interface CgroupMounts {
  /** Of cgroup v1, by controller. */
  readonly controllers: ReadonlyMap<string, CgroupMount>
  /** Of cgroup v2. */
  readonly unified: CgroupMount | undefined
}

/** @param procDirectory  `/proc` but for tests. Source: proc(5) /proc/PID/mountinfo */
export function cgroupMounts(procDirectory = '/proc'): CgroupMounts {
  const controllers = new Map<string, CgroupMount>()
  let unified: CgroupMount | undefined
  for (const line of readFileSync(`${procDirectory}/self/mountinfo`, 'utf8').split('\n')) {
    const [mount = '', filesystem = ''] = line.split(' - ')
    const [, , , root = '', target = ''] = mount.split(' ')
    const [type, , options = ''] = filesystem.split(' ')
    if (type === 'cgroup2') unified ??= { target, root }
    if (type !== 'cgroup') continue
    for (const name of options.split(',')) {
      if (!controllers.has(name)) controllers.set(name, { target, root })
    }
  }
  return { controllers, unified }
}
