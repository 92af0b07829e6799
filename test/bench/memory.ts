import { readFileSync } from 'node:fs'
import type { MemoryTrial } from './peers/peer.ts'
import { type Cell, formatSize } from './table.ts'

/** What stays in memory for one idle container, besides the container's own process. */
export async function residentMemory(trial: MemoryTrial): Promise<Cell> {
  const pid = await trial.start()
  try {
    // conmon and containerd's shim are the parents of the process they watch.
    const monitorBytes = statusNumber(statusNumber(pid, 'PPid'), 'VmRSS') * 1024
    if (trial.daemonPids.length === 0) return { value: monitorBytes }
    const daemonBytes = trial.daemonPids
      .map((daemon) => statusNumber(daemon, 'VmRSS') * 1024)
      .reduce((total, bytes) => total + bytes, 0)
    return { value: monitorBytes + daemonBytes, note: `${formatSize(daemonBytes)} of it daemons` }
  } finally {
    await trial.remove()
  }
}

/** A field of /proc/PID/status; sizes are in KiB. Source: proc(5) */
function statusNumber(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const text = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]
  if (text === undefined) throw new Error(`process ${pid}: no ${field}`)
  return Number(text)
}
