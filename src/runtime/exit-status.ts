import { readFileSync, statSync } from 'node:fs'
import { isErrno } from '../errors.ts'

export interface ExitStatus {
  /** The process's exit code, 128 + n where signal n ended it. */
  readonly code: number
  readonly finishedAt: Date
}

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
    return { code: Number(text), finishedAt: statSync(path).mtime }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
