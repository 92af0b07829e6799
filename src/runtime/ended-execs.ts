import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../errors.ts'

/** What the shells beside execs have left there when a program had ended: a file for each. */
export interface EndedExec {
  readonly execId: string
  readonly containerId: string
  /** 128 + n after signal n; undefined where the runtime does not say. */
  readonly exitCode: number | undefined
  readonly endedAtUs: number
}

/** One directory for all containers: their bundles go with the run. */
export function endedExecsDirectory(stateRoot: string): string {
  return join(stateRoot, '.ended-execs')
}

/** For /bin/sh: leave what `$container`, `$exec` and `$status` say in the directory `$ends`. */
export const leaveEndScript = `
leave_end() { [ ! -d "$ends" ] || echo "$container $status" >"$ends/$exec"; }
`

/** In the order in which they ended. */
export function readEndedExecs(stateRoot: string): EndedExec[] {
  const directory = endedExecsDirectory(stateRoot)
  return namesIn(directory)
    .flatMap((execId) => {
      const ended = readEnded(join(directory, execId), execId)
      return ended === undefined ? [] : [ended]
    })
    .sort((a, b) => a.endedAtUs - b.endedAtUs)
}

export function forgetEndedExec(stateRoot: string, execId: string): void {
  rmSync(join(endedExecsDirectory(stateRoot), execId), { force: true })
}

function readEnded(path: string, execId: string): EndedExec | undefined {
  try {
    const text = readFileSync(path, 'ascii')
    // The shell is still at it.
    if (!text.endsWith('\n')) return undefined
    const [containerId = '', status = ''] = text.trim().split(' ')
    return {
      execId,
      containerId,
      exitCode: /^\d+$/.test(status) ? Number(status) : undefined,
      endedAtUs: Math.round(statSync(path).mtimeMs * 1000),
    }
  } catch (error) {
    // Another process was faster.
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => /^[0-9a-f]{64}$/.test(name))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}
