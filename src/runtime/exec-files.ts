import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../errors.ts'
import { readTextIfThere } from '../host/read-text.ts'
import { type Bundle, bundleIn } from './bundle.ts'
import { processCgroup } from './process-cgroup.ts'

/** Files of one exec, in the bundle of its container. */
export interface ExecFiles {
  /** 64 hex digits. */
  readonly id: string
  /** What the runtime is to run. */
  readonly process: string
  readonly pid: string
  readonly log: string
  /** Of an exec that has a monitor, and no others of these files. */
  readonly directory: string
}

/** Paths of a new exec; nothing is made. */
export function newExecFiles(bundle: Bundle): ExecFiles {
  const id = randomBytes(32).toString('hex')
  const directory = join(bundle.directory, `exec-${id}`)
  const path = (extension: string): string => `${directory}.${extension}`
  return { id, process: path('json'), pid: path('pid'), log: path('log'), directory }
}

/** Ids of the execs whose programs run in a container now. */
export function runningExecs(bundle: Bundle, containerId: string): string[] {
  return namesIn(bundle.directory).flatMap((name) => {
    const [, id, extension] = /^exec-([0-9a-f]{64})(\.pid)?$/.exec(name) ?? []
    if (id === undefined) return []
    const path = join(bundle.directory, name)
    const file = extension === undefined ? bundleIn(path).processPidFile : path
    const pid = Number(readTextIfThere(file) || Number.NaN)
    // The pid may be another process's by now, but then not one of the container.
    return Number.isInteger(pid) && processCgroup(pid, containerId) !== undefined ? [id] : []
  })
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}
