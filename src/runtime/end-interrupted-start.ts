import { readdirSync, readFileSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import type { Runtime } from './runc.ts'

/**
 * End the monitor and the runtime that a start has left at work when it was killed: they would make
 * the container after it was cleaned up.
 *
 * Source: proc(5) /proc/PID/cmdline
 */
export function endInterruptedStart(runtime: Runtime, containerId: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [program = '', ...args] = commandLine(pid)
    const isOfStart = program.endsWith('/conmon') || program === runtime.path
    if (!isOfStart || !args.includes(containerId)) continue
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error
    }
  }
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return []
    throw error
  }
}
