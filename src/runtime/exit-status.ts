import { readFileSync, statSync } from 'node:fs'
import { isErrno } from '../errors.ts'

export interface ExitStatus {
  /** The process's exit code, 128 + n where signal n ended it. */
  readonly code: number
  readonly finishedAt: Date
}

/** conmon's -1: it has sent SIGKILL itself, because of its --timeout. Source: conmon.c timed_out */
const killedCode = 137

/**
 * What conmon wrote when the container's process ended.
 *
 * @returns  undefined if it wrote nothing (yet, or because it was killed)
 * Source: conmon.8 --persist-dir
 */
export function readExitStatus(path: string): ExitStatus | undefined {
  try {
    const text = readFileSync(path, 'ascii').trim()
    if (!/^-?\d+$/.test(text)) return undefined
    const code = Number(text)
    return { code: code < 0 ? killedCode : code, finishedAt: statSync(path).mtime }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
