import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno } from '../errors.ts'
import { bootId } from '../host/owner.ts'
import { canMountOverlay } from './overlay-probe.ts'

/**
 * Whether overlay works where snapshots lie. Trying costs milliseconds and syncs the file system, so
 * a yes is remembered until the next boot. A no is not: what is missing may be put right, and copying
 * an image instead costs more than trying again.
 *
 * @param root  where snapshots lie; exists and is writable
 * @param memo  a file for the answer; that it is lost does no harm
 */
export function overlayWorks(root: string, memo: string): boolean {
  const conditions = conditionsOf(root)
  if (readMemo(memo) === conditions) return true
  if (!canMountOverlay(root)) return false
  writeMemo(memo, conditions)
  return true
}

/** What the answer holds for: this boot, this file system, these rights. */
function conditionsOf(root: string): string {
  const { dev } = statSync(root, { bigint: true })
  return `${bootId()} ${dev} ${readlinkSync('/proc/self/ns/user')} ${process.getuid?.()}\n`
}

function readMemo(memo: string): string | undefined {
  try {
    return readFileSync(memo, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined
    throw error
  }
}

function writeMemo(memo: string, conditions: string): void {
  try {
    mkdirSync(dirname(memo), { recursive: true, mode: 0o700 })
    writeFileSync(memo, conditions, { mode: 0o600 })
  } catch {
    // The answer stands without it.
  }
}
