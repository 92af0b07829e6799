import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Trial } from './peers/peer.ts'
import { runCommand } from './run-command.ts'
import type { Cell } from './table.ts'

const lookMs = 10

/**
 * The most memory that the process of a command had at once, with what it maps of files. What
 * processes it starts take is not counted.
 *
 * Source: proc(5) /proc/PID/status VmHWM
 */
export async function peakMemory(trial: Trial): Promise<Cell> {
  await trial.setUp?.()
  try {
    for (const command of trial.before ?? []) await runCommand(command)
    const [program = '', ...args] = trial.command
    const child = spawn(program, args, { stdio: 'ignore' })
    let peakBytes = 0
    const timer = setInterval(() => {
      peakBytes = highWaterMark(child.pid) ?? peakBytes
    }, lookMs)
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    clearInterval(timer)
    if (code !== 0) return { failure: `${trial.command.join(' ')}: ended with ${code}` }
    return { value: peakBytes }
  } finally {
    await trial.tearDown?.()
  }
}

function highWaterMark(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'ascii'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  } catch {
    // It has just ended.
    return undefined
  }
}
