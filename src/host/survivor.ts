import { closeSync, openSync, writeSync } from 'node:fs'
import { startError } from './exec.ts'
import { dup, openPipe, spawnSession } from './libc.ts'

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
  const nothing = openSync('/dev/null', 'r+')
  try {
    // In a session of its own, so that what ends a terminal's or a job's processes does not end it.
    spawnSession(
      '/bin/sh',
      ['-c', script, 'sh', ...args],
      { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin' },
      [readEnd, nothing, nothing, terminal ?? nothing],
    )
  } catch (cause) {
    closeSync(writeEnd)
    throw startError('/bin/sh', cause)
  } finally {
    closeSync(nothing)
    closeSync(readEnd)
  }
  let isReleased = false
  return {
    handOn: () => void dup(writeEnd),
    release: (word) => {
      if (isReleased) return
      isReleased = true
      if (word !== undefined) writeSync(writeEnd, `${word}\n`)
      closeSync(writeEnd)
    },
  }
}
