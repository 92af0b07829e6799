import { rmSync } from 'node:fs'

const retries = 50
const retryDelayMs = 2

/**
 * Remove a directory into which a process that is being killed may still write: what it adds while
 * the directory is emptied is removed by another try. A directory that is not there is no error.
 */
export function removeWhileWritten(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: retries, retryDelay: retryDelayMs })
}
