import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { isErrno } from '../../src/errors.ts'
import { MNT_DETACH, umount2 } from '../../src/host/libc.ts'
import { containerCgroups, containersBelow, removeCgroups } from './leftover-cgroups.ts'

/** Mounts below a directory, processes that name it, and files left in it; one line each. */
export function usersOf(dir: string): string[] {
  return [
    ...mountsBelow(dir).map((path) => `mount ${path}`),
    ...processesNaming(dir).map(({ pid, command }) => `process ${pid}: ${command}`),
    ...readdirSync(dir).map((name) => `file ${dir}/${name}`),
  ]
}

/** End the processes, undo the mounts and remove the files that `usersOf` lists, and the cgroups of its containers. */
export function cleanUp(dir: string): void {
  for (const { pid } of processesNaming(dir)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error
    }
  }
  removeCgroups([], containersBelow(dir))
  for (const path of mountsBelow(dir).reverse()) umount2(path, MNT_DETACH)
  // With a mount left over, a recursive delete would go through it.
  if (mountsBelow(dir).length === 0) rmSync(dir, { recursive: true, force: true })
}

/** What tsctr may leave outside of its directories: namespaces, interfaces, nft tables, cgroups. */
export function hostState(): string[] {
  return [
    ...containerCgroups(),
    ...listDir('/run/netns').map((name) => `network namespace ${name}`),
    ...listDir('/sys/class/net').map((name) => `network interface ${name}`),
    ...nftTables().map((name) => `nft ${name}`),
  ]
}

export function newSince(before: readonly string[], after: readonly string[]): string[] {
  return after.filter((item) => !before.includes(item))
}

function mountsBelow(dir: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n')
  return lines.map((line) => line.split(' ')[4] ?? '').filter((path) => path.startsWith(`${dir}/`))
}

/**
 * Processes with the directory in their arguments or environment, or with their root in it, as those
 * of containers have; not this one.
 */
function processesNaming(dir: string): { pid: number; command: string }[] {
  const pids = listDir('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  return pids.flatMap((pid) => {
    const command = readProc(pid, 'cmdline').replaceAll('\0', ' ').trim()
    const names = command.includes(dir) || readProc(pid, 'environ').includes(dir)
    return names || hasRootIn(pid, dir) ? [{ pid: Number(pid), command }] : []
  })
}

/** Source: proc(5) /proc/PID/mountinfo; a bind mount's root, an overlay's options */
function hasRootIn(pid: string, dir: string): boolean {
  const mounts = readProc(pid, 'mountinfo').split('\n')
  return mounts.some((line) => line.split(' ')[4] === '/' && line.includes(`${dir}/`))
}

function readProc(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch (error) {
    // Gone meanwhile (EINVAL: without mounts by now), or another user's.
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EINVAL', 'EACCES', 'EPERM')) return ''
    throw error
  }
}

function nftTables(): string[] {
  try {
    return execFileSync('nft', ['list', 'tables'], { encoding: 'utf8', stdio: 'pipe' })
      .trim()
      .split('\n')
      .filter((line) => line !== '')
  } catch {
    // No nft, or not root: then no test made a table either.
    return []
  }
}

function listDir(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES')) return []
    throw error
  }
}
