import { readFileSync } from 'node:fs'
import { isErrno } from '../../errors.ts'

/**
 * The file that says whether the processes of a container are frozen.
 *
 * @param pid  of one of them
 * @returns    empty if there is no such process any more
 * Source: cgroups(7) /proc/PID/cgroup; kernel cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst
 */
export function freezerFile(pid: number): string {
  const lines = readText(`/proc/${pid}/cgroup`).split('\n')
  const entries = lines.map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
  const v1 = entries.find((entry) => entry?.[1]?.split(',').includes('freezer') === true)
  if (v1 !== undefined && v1 !== null) return `/sys/fs/cgroup/freezer${v1[2]}/freezer.state`
  const v2 = entries.find((entry) => entry?.[1] === '')
  return v2 === undefined || v2 === null ? '' : `/sys/fs/cgroup${v2[2]}/cgroup.freeze`
}

/** Whether a process is frozen now. */
export function isFrozen(pid: number): boolean {
  return /^(1|FROZEN|FREEZING)$/.test(readText(freezerFile(pid)).trim())
}

/** Empty if there is no such process, or on a host without a freezer. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ESRCH', 'ENODEV')) throw error
    return ''
  }
}
