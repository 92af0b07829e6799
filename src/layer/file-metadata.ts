import {
  chmodSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  readFileSync,
} from 'node:fs'
import { isErrno } from '../errors.ts'
import { lsetxattr, lutimesNs } from '../host/libc.ts'
import type { Timestamp } from './tar-header.ts'
import type { Metadata, Xattr } from './tar-reader.ts'
import { isOverlayXattr } from './whiteout.ts'

/**
 * `apply` gives files their owners and devices, as root. `record` does what an unprivileged user
 * can, keeps every file readable and writable for that user, and returns the rest as records.
 */
export type Ownership = 'apply' | 'record'

const permissionBits = 0o777
const specialBits = 0o7000

/** The process's umask, read without setting it: other threads make files meanwhile. Source: proc(5) */
export function readUmask(): number {
  const status = readFileSync('/proc/self/status', 'latin1')
  const match = /^Umask:\s*([0-7]+)$/m.exec(status)
  return match?.[1] === undefined ? permissionBits : Number.parseInt(match[1], 8)
}

/** The mode a file can have on disk: for `record` without setuid and never out of its user's reach. */
export function modeOnDisk(ownership: Ownership, fileType: number, mode: number): number {
  if (ownership === 'apply') return mode
  const reach = fileType === constants.S_IFDIR ? 0o700 : 0o600
  return (mode & permissionBits) | reach
}

/** Owner, mode and time of a regular file just written with `mode & 0777`, less the umask. */
export function finishFile(
  fd: number,
  path: Buffer,
  metadata: Metadata,
  ownership: Ownership,
  umask: number,
): readonly Xattr[] {
  const mode = modeOnDisk(ownership, constants.S_IFREG, metadata.mode)
  const isForeign = ownership === 'apply' && (metadata.uid !== 0 || metadata.gid !== 0)
  if (isForeign) fchownSync(fd, metadata.uid, metadata.gid)
  // After the owner: chown takes setuid and setgid away.
  if ((mode & (specialBits | umask)) !== 0) fchmodSync(fd, mode)
  const unset = setXattrs(path, constants.S_IFREG, metadata.xattrs, ownership)
  const { seconds, nanoseconds } = metadata.modified
  // futimes takes doubles: exact for whole seconds only.
  if (nanoseconds === 0) futimesSync(fd, seconds, seconds)
  else setModified(path, metadata.modified)
  return unset
}

/**
 * Owner, mode and attributes of anything made by path.
 *
 * @returns  attributes that could not be set, in `record`
 */
export function setMetadata(
  path: Buffer,
  fileType: number,
  metadata: Metadata,
  ownership: Ownership,
): readonly Xattr[] {
  if (ownership === 'apply') lchownSync(path, metadata.uid, metadata.gid)
  if (fileType !== constants.S_IFLNK) {
    chmodSync(path, modeOnDisk(ownership, fileType, metadata.mode))
  }
  return setXattrs(path, fileType, metadata.xattrs, ownership)
}

export function setModified(path: Buffer, { seconds, nanoseconds }: Timestamp): void {
  if (nanoseconds === 0) {
    lutimesSync(path, seconds, seconds)
    return
  }
  const timeNs = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
  lutimesNs(path, timeNs, timeNs)
}

/** @returns  attributes that the file should have and does not */
function setXattrs(
  path: Buffer,
  fileType: number,
  xattrs: readonly Xattr[],
  ownership: Ownership,
): readonly Xattr[] {
  if (xattrs.length === 0) return xattrs
  const isPlain = fileType === constants.S_IFREG || fileType === constants.S_IFDIR
  return xattrs.filter((xattr) => {
    if (isOverlayXattr(xattr.name)) return false
    // The kernel has no user.* but on files and directories, and no others for a user without
    // privilege: as root the former are lost, as in other engines.
    const isPossible = xattr.name.startsWith('user.') ? isPlain : ownership === 'apply'
    return !(isPossible && trySetXattr(path, xattr))
  })
}

function trySetXattr(path: Buffer, { name, value }: Xattr): boolean {
  try {
    lsetxattr(path, Buffer.from(name, 'latin1'), value)
    return true
  } catch (error) {
    // The file system keeps none of this kind: other engines go on without it too.
    if (isErrno(error, 'ENOTSUP')) return false
    throw error
  }
}
