import { readFileSync } from 'node:fs'
import { isErrno } from '../../errors.ts'
import type { HealthFiles } from '../../runtime/health-files.ts'

/**
 * End a check that took too long, with all that it has started and not let go of.
 *
 * @param containerPid  of the container's own process: nothing outside of its cgroup is touched
 */
export function killCheck({ pid: path }: HealthFiles, containerPid: number): void {
  const pid = Number(readText(path))
  // Empty where the runtime had not come so far. A pid that is another's by now is not in there.
  if (!Number.isSafeInteger(pid) || pid <= 1 || pid === containerPid) return
  const cgroup = readText(`/proc/${containerPid}/cgroup`)
  if (cgroup === '' || readText(`/proc/${pid}/cgroup`) !== cgroup) return
  for (const each of stopTree(pid)) signal(each, 'SIGKILL')
}

/** Stop each before its children are listed, so that it has no more. */
function stopTree(pid: number): number[] {
  signal(pid, 'SIGSTOP')
  return [pid, ...childrenOf(pid).flatMap(stopTree)]
}

/** Source: proc(5) /proc/PID/task/TID/children */
function childrenOf(pid: number): number[] {
  return readText(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}

/** Empty where there is nothing to read any more. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ESRCH')) throw error
    return ''
  }
}
