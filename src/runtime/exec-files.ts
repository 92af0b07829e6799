import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Bundle } from './bundle.ts'

/** Files of one exec, in the bundle of its container. */
export interface ExecFiles {
  /** 64 hex digits. */
  readonly id: string
  /** What the runtime is to run. */
  readonly process: string
  readonly pid: string
  readonly log: string
}

/** Paths of a new exec; nothing is made. */
export function newExecFiles(bundle: Bundle): ExecFiles {
  const id = randomBytes(32).toString('hex')
  const path = (extension: string): string =>
    join(bundle.directory, `exec-${id.slice(0, 12)}.${extension}`)
  return { id, process: path('json'), pid: path('pid'), log: path('log') }
}
