import { readFileSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { isAlive } from '../host/owner.ts'
import type { ContainerRecord } from '../store/containers.ts'

/**
 * End the monitor of a container that has ended, and the hook that it runs then. It has written the
 * exit code and the rest of the log by now, or nobody will ask for them; the hook's work is done by
 * the caller.
 */
export function endMonitor({ monitor }: ContainerRecord): void {
  // When this process is the hook, the monitor is its parent, waits for it and ends by itself.
  if (monitor === undefined || monitor.pid === process.ppid || !isAlive(monitor)) return
  const hooks = childrenOf(monitor.pid)
  for (const pid of [monitor.pid, ...hooks]) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error
    }
  }
}

/** Source: proc(5) /proc/PID/task/TID/children */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'ascii').trim()
    return text === '' ? [] : text.split(' ').map(Number)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return []
    throw error
  }
}
