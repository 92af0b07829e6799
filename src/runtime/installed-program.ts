import { hasCode } from '../errors.ts'
import { completeProgram } from '../host/exec.ts'
import { findProgram } from '../host/find-program.ts'

export interface InstalledProgram {
  readonly path: string
  /** As the program states it; empty if it does not. */
  readonly version: string
}

const versionTimeoutMs = 5_000

/**
 * Look up a program and ask for its version.
 *
 * @returns  undefined if it is not installed
 */
export async function installedProgram(name: string): Promise<InstalledProgram | undefined> {
  try {
    const path = findProgram(name)
    const { stdout } = await completeProgram(path, ['--version'], { timeoutMs: versionTimeoutMs })
    return { path, version: /\bversion:?\s+v?(\S+)/.exec(stdout)?.[1] ?? '' }
  } catch (error) {
    if (hasCode(error, 'FAILED_PRECONDITION')) return undefined
    throw error
  }
}
