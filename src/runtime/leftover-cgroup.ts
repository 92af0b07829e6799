import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isErrno } from '../errors.ts'

const root = '/sys/fs/cgroup'
const waitMs = 10
const attempts = 100

/**
 * Remove a container's cgroups where the runtime has left them: it was killed before it had written
 * down that it made them. What still runs in them is killed.
 *
 * @param cgroupsPath  as in config.json
 * Source: cgroups(7); runc makes the cgroups before state.json
 */
export async function removeLeftoverCgroup(cgroupsPath: string): Promise<void> {
  for (const path of pathsOf(cgroupsPath)) await removeTree(path)
}

/** The tree of v2, or each tree of v1. */
function pathsOf(cgroupsPath: string): string[] {
  const isV2 = existsSync(join(root, 'cgroup.controllers'))
  const trees = isV2 ? [root] : listDirectories(root).map((name) => join(root, name))
  return trees.map((tree) => join(tree, cgroupsPath)).filter((path) => existsSync(path))
}

async function removeTree(path: string): Promise<void> {
  for (const name of listDirectories(path)) await removeTree(join(path, name))
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    try {
      rmdirSync(path)
      return
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return
      if (!isErrno(error, 'EBUSY')) throw error
    }
    for (const pid of processesIn(path)) kill(pid)
    await delay(waitMs)
  }
}

function processesIn(path: string): number[] {
  try {
    const text = readFileSync(join(path, 'cgroup.procs'), 'ascii').trim()
    return text === '' ? [] : text.split('\n').map(Number)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return []
    throw error
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}

function listDirectories(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}
