import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { isErrno, TsctrError } from '../../errors.ts'
import { O_PATH } from '../../host/libc.ts'

/**
 * A file that is mounted in a container's namespace could be replaced from here, and its mount would
 * go with it: the kernel refuses that only to those who see the mount.
 */
export function refuseMountPoint(parentFd: number, path: Buffer): void {
  let fd: number
  try {
    fd = openSync(path, O_PATH | constants.O_NOFOLLOW)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return
    throw error
  }
  const isMounted = mountId(fd) !== mountId(parentFd)
  closeSync(fd)
  if (!isMounted) return
  const problem = 'is a mount point in the container, cannot be replaced'
  throw new TsctrError('FAILED_PRECONDITION', problem, { hint: 'tsctr exec can write into it' })
}

/** Source: proc(5) /proc/PID/fdinfo */
function mountId(fd: number): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
}
