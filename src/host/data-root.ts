import { chmodSync, lstatSync, mkdirSync, type Stats, statSync } from 'node:fs'
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
    mkdirSync(path, { recursive: true, mode: onlyOwner })
    // Whoever owns a link in a shared directory decides where it leads.
    checkOwner(path, lstatSync(path), option)
    const stats = statSync(path)
    checkOwner(path, stats, option)
    if ((stats.mode & stickyBit) !== 0) {
      throw rootError(path, 'is shared between users', `set ${option} to a directory of its own`)
    }
    if ((stats.mode & othersBits) !== 0) chmodSync(path, onlyOwner)
  } catch (error) {
    throw worded(path, option, error)
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
  if (isErrno(error, 'EEXIST', 'ENOTDIR')) {
    return rootError(path, 'not a directory', `set ${option} to a directory`, error)
  }
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
    return rootError(path, 'no space left', `free some, or set ${option}`, error)
  }
  return error
}

function rootError(path: string, problem: string, hint: string, cause?: unknown): TsctrError {
  return new TsctrError('FAILED_PRECONDITION', `${path}: ${problem}`, { hint, cause })
}
