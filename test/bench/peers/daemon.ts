import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, runCommand } from '../run-command.ts'

export interface Daemon {
  readonly pid: number
  stop(): Promise<void>
}

const startTimeoutMs = 30_000

/**
 * Start a daemon and wait until it answers.
 *
 * @param dir    for its log
 * @param ready  a command that succeeds once it does
 */
export async function startDaemon(
  [program = '', ...args]: Command,
  { dir, ready }: { readonly dir: string; readonly ready: Command },
): Promise<Daemon> {
  const logPath = join(dir, `${program}.log`)
  const log = openSync(logPath, 'w')
  const child = spawn(program, args, { stdio: ['ignore', log, log] })
  closeSync(log)
  const exited = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve())
    child.once('error', reject)
  })
  const deadlineMs = Date.now() + startTimeoutMs
  while (!(await succeeds(ready))) {
    if (child.exitCode !== null || Date.now() > deadlineMs) {
      const said = readFileSync(logPath, 'utf8').trim().split('\n').slice(-3).join('; ')
      throw new Error(`${program}: does not answer: ${said}`)
    }
    await sleep(100)
  }
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Source: proc(5) /proc/PID/task/TID/children, of every thread */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((threadID) =>
    readFileSync(`/proc/${pid}/task/${threadID}/children`, 'ascii')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  )
}

async function succeeds(command: Command): Promise<boolean> {
  try {
    await runCommand(command)
    return true
  } catch {
    return false
  }
}
