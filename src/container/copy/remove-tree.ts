import { closeSync, constants, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { isErrno } from '../../errors.ts'
import { type ByteString, byteStringOf } from '../../layer/byte-string.ts'
import { inDirectory } from './locate.ts'

/**
 * Remove a directory that others may change meanwhile, with all that is in it: each directory is
 * opened from the one above, so that a symlink in its place leads nowhere. One that is filled again
 * while it is emptied is left.
 */
export function removeTree(parentFd: number, name: ByteString): void {
  const stack: { parentFd: number; name: ByteString; fd: number; names: ByteString[] }[] = []
  const enter = (above: number, child: ByteString): void => {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
    const fd = openSync(inDirectory(above, child), flags)
    const names = readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).map(byteStringOf)
    stack.push({ parentFd: above, name: child, fd, names })
  }
  enter(parentFd, name)
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const child = top.names.pop()
    if (child === undefined) {
      stack.pop()
      closeSync(top.fd)
      ignoring(() => rmdirSync(inDirectory(top.parentFd, top.name)))
      continue
    }
    try {
      unlinkSync(inDirectory(top.fd, child))
    } catch (error) {
      if (isErrno(error, 'ENOENT')) continue
      if (!isErrno(error, 'EISDIR', 'EPERM')) throw error
      ignoring(() => enter(top.fd, child))
    }
  }
}

/** What others do to it is theirs. */
function ignoring(action: () => void): void {
  try {
    action()
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'ENOTDIR', 'ELOOP')) throw error
  }
}
