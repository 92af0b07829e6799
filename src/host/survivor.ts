import { spawn } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import { startError } from './exec.ts'
import { dup, openPipe } from './libc.ts'

/** A shell that acts when this process has ended, however it ended. */
export interface Survivor {
  /** Let it wait for the end of the program that this process becomes next. */
  handOn(): void
  /** Let it act now. @param word  what it reads; an empty line otherwise */
  release(word?: string): void
}

/**
 * Start a shell whose stdin is a pipe that only this process holds.
 *
 * @param script    POSIX sh; its stdout and stderr are /dev/null
 * @param args      `$1`, `$2` …
 * @param terminal  a descriptor of ours that becomes the script's descriptor 3
 */
export function startSurvivor(
  script: string,
  args: readonly string[],
  terminal: number | undefined,
): Survivor {
  const { readEnd, writeEnd } = openPipe()
  try {
    // In a session of its own, so that what ends a terminal's or a job's processes does not end it.
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...args], {
      stdio: [readEnd, 'ignore', 'ignore', terminal ?? 'ignore'],
      detached: true,
      cwd: '/',
      env: { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin' },
    })
    child.once('error', () => {})
    if (child.pid === undefined) throw startError('/bin/sh', undefined)
    child.unref()
  } finally {
    closeSync(readEnd)
  }
  return {
    handOn: () => void dup(writeEnd),
    release: (word) => {
      if (word !== undefined) writeSync(writeEnd, `${word}\n`)
      closeSync(writeEnd)
    },
  }
}
