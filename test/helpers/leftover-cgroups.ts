import { existsSync, globSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../../src/errors.ts'

/** Cgroups are the one thing that no namespace takes with it. */
const mountPoint = '/sys/fs/cgroup'
const enginesParents = ['docker', 'libpod_parent', 'tsctr-bench']
const graceMs = 5_000
const retryMs = 20

/** The directories that engines keep their cgroups in, as far as they are there. */
export function topCgroups(): string[] {
  return hierarchies().flatMap((dir) =>
    enginesParents.map((name) => join(dir, name)).filter((path) => existsSync(path)),
  )
}

/** Those in tsctr's parent cgroup, by the container's id; each of them once. */
export function containerCgroups(): string[] {
  const ids = hierarchies().flatMap((dir) => globSync('tsctr/*/', { cwd: dir }))
  return [...new Set(ids)].map((path) => `cgroup ${path.replace(/\/$/, '')}`)
}

/** Ids of containers that were killed with their data roots still there. */
export function containersBelow(scratch: string): string[] {
  // Not all the way down: that would be through every file of every layer.
  const depths = ['', '*/', '*/*/', '*/*/*/']
  const patterns = depths.map((above) => `${above}containers/*/`)
  return globSync(patterns, { cwd: scratch })
    .map((path) => path.split('/').at(-1) ?? '')
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
}

/**
 * Remove cgroups in which nothing runs.
 *
 * @param tops          removed with all that is in them
 * @param containerIDs  removed from tsctr's parent cgroup, which others may use
 */
export function removeCgroups(tops: readonly string[], containerIDs: readonly string[]): void {
  const own = hierarchies().flatMap((dir) => containerIDs.map((id) => join(dir, 'tsctr', id)))
  for (const top of [...tops, ...own].filter((path) => existsSync(path))) {
    const inside = globSync('**/', { cwd: top }).map((path) => join(top, path))
    // Longest first: children before their parents.
    for (const path of [top, ...inside].sort((a, b) => b.length - a.length)) removeCgroup(path)
  }
}

/** A process that was killed keeps its cgroup busy for a moment. */
function removeCgroup(path: string): void {
  const deadlineMs = Date.now() + graceMs
  for (;;) {
    try {
      rmdirSync(path)
      return
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return
      if (!isErrno(error, 'EBUSY') || Date.now() > deadlineMs) throw error
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
  }
}

/** One on cgroup v2; on v1 and hybrid one for each controller. */
function hierarchies(): string[] {
  const below = readdirSync(mountPoint, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(mountPoint, entry.name))
    .filter((dir) => existsSync(join(dir, 'cgroup.procs')))
  return [mountPoint, ...below]
}
