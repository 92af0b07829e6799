import { chmodSync, existsSync, lstatSync, mkdirSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno, TsctrError } from '../errors.ts'

const onlyOwner = 0o700
const othersBits = 0o077
const stickyBit = 0o1000

/**
 * Make sure that a root directory is there, this user's own, and closed to others: the snapshots in
 * it hold set-uid programs that must run in containers only.
 *
 * @param option  the option that names another directory, for the hint
 * @throws        FAILED_PRECONDITION if it cannot be made, or belongs to somebody else
 */
export function makeRootDirectory(path: string, option: string): void {
  try {
    makeDirectories(path, onlyOwner)
    // Whoever owns a link in a shared directory decides where it leads.
    checkOwner(path, lstatSync(path), option)
    const stats = statSync(path)
    if (!stats.isDirectory()) {
      throw rootError(path, 'not a directory', `set ${option} to a directory`)
    }
    checkOwner(path, stats, option)
    if ((stats.mode & stickyBit) !== 0) {
      throw rootError(path, 'is shared between users', `set ${option} to a directory of its own`)
    }
    if ((stats.mode & othersBits) !== 0) chmodSync(path, onlyOwner)
  } catch (error) {
    throw worded(path, option, error)
  }
}

// Not mkdirSync's own recursion: below /proc, where mkdir says ENOENT, it never ends.
function makeDirectories(path: string, mode: number): void {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) makeDirectories(parent, 0o755)
  try {
    mkdirSync(path, mode)
  } catch (error) {
    // Another process may have been faster.
    if (!isErrno(error, 'EEXIST')) throw error
  }
}

function checkOwner(path: string, { uid }: Stats, option: string): void {
  if (uid === process.getuid?.()) return
  throw rootError(path, `belongs to user ${uid}`, `run as that user or set ${option}`)
}

function worded(path: string, option: string, error: unknown): unknown {
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS')) {
    return rootError(path, 'not writable', `run as root or set ${option}`, error)
  }
  if (isErrno(error, 'ENOTDIR', 'ENOENT')) {
    return rootError(path, 'cannot be made', `set ${option} to another directory`, error)
  }
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
    return rootError(path, 'no space left', `free some, or set ${option}`, error)
  }
  return error
}

function rootError(path: string, problem: string, hint: string, cause?: unknown): TsctrError {
  return new TsctrError('FAILED_PRECONDITION', `${path}: ${problem}`, { hint, cause })
}
