import { readFileSync } from 'node:fs'
import { isErrno } from '../errors.ts'

/**
 * Which process stands behind a record that is not final. A pid alone is reused; with the start
 * time and the boot id it names one process for ever.
 */
export interface Owner {
  readonly pid: number
  /** Clock ticks since boot, as in /proc/PID/stat field 22. */
  readonly startTicks: number
  readonly bootId: string
}

let bootIdCache: string | undefined

/** This boot of the kernel. Source: random(4) /proc/sys/kernel/random/boot_id */
export function bootId(): string {
  bootIdCache ??= readFileSync('/proc/sys/kernel/random/boot_id', 'ascii').trim()
  return bootIdCache
}

/** The running process as an owner. */
export function selfAsOwner(): Owner {
  const startTicks = processStartTicks(process.pid)
  if (startTicks === undefined) throw new Error('bug: /proc does not list this process')
  return { pid: process.pid, startTicks, bootId: bootId() }
}

/** Whether the very process that wrote the owner still runs (a zombie does not). */
export function isAlive(owner: Owner): boolean {
  return owner.bootId === bootId() && processStartTicks(owner.pid) === owner.startTicks
}

/**
 * When a process started.
 *
 * @returns  clock ticks since boot; undefined if there is no such process, or only its zombie
 * Source: proc(5) /proc/PID/stat
 */
export function processStartTicks(pid: number): number | undefined {
  let stat: string
  try {
    // Node has a way for UTF-8 that is ten times as fast; the name's bytes do not matter here.
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
  // The command name may hold spaces and brackets: fields are counted from the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  if (state === 'Z' || state === 'X') return undefined
  return Number(fields[19])
}
