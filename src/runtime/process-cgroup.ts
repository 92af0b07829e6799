import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../errors.ts'

/** The cgroup of a container in the tree where its processes are listed and can be frozen. */
export interface ProcessCgroup {
  readonly path: string
  /** In the freezer's own tree; else in the one tree of v2. */
  readonly isV1: boolean
}

/**
 * Where the kernel lists a container's processes.
 *
 * @param pid  its first process
 * @returns    undefined if it has ended, or cgroups are not where they usually are
 * Source: cgroups(7) /proc/PID/cgroup
 */
export function processCgroup(pid: number, containerId: string): ProcessCgroup | undefined {
  const lines = cgroupLines(pid)
  const isV1 = lines.some(([, controllers]) => controllers === 'freezer')
  const [, , path = ''] = lines.find(([, name]) => name === (isV1 ? 'freezer' : '')) ?? []
  // The process may have moved itself further down.
  const parts = path.split('/')
  const own = parts.slice(0, parts.findIndex((part) => part.includes(containerId)) + 1)
  if (own.length === 0) return undefined
  const full = join(isV1 ? '/sys/fs/cgroup/freezer' : '/sys/fs/cgroup', ...own)
  const isThere = statSync(full, { throwIfNoEntry: false })?.isDirectory() ?? false
  return isThere ? { path: full, isV1 } : undefined
}

function cgroupLines(pid: number): string[][] {
  try {
    const text = readFileSync(`/proc/${pid}/cgroup`, 'latin1').trimEnd()
    return text.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line)?.slice(1) ?? [])
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return []
    throw error
  }
}
