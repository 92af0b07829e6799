import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
} from 'node:fs'
import { isErrno } from '../errors.ts'
import { openat2, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS } from '../host/libc.ts'
import { type ByteString, byteStringOf, joinPath, toBuffer } from './byte-string.ts'

/** A file of a tree, as it was when it was looked at. */
export interface TreeFile {
  /** Relative to the root, which is empty. */
  readonly name: ByteString
  /** For system calls that do not follow symlinks; valid until the next file is asked for. */
  readonly path: Buffer
  readonly stats: BigIntStats
}

export interface WalkTreeOptions {
  /** Directories that are named but not looked into. */
  readonly isSkipped?: (name: ByteString) => boolean
}

interface OpenDirectory {
  readonly name: ByteString
  readonly childrenLastFirst: ByteString[]
  /** Closed while a walk is deep below it. */
  fd: number | undefined
}

/** How deep a walk holds on to the directories above. */
const maxOpenAbove = 64

/**
 * All files of a tree, the root first: each directory before what is in it, names in the order of
 * their bytes.
 *
 * The tree may be a running container's. What goes away meanwhile is left out, and a directory that
 * is swapped for a symlink leads nowhere: each is opened from the one above, and the last component
 * of a path is the only one that the kernel looks up.
 */
export function* walkTree(
  root: string | Buffer,
  { isSkipped = () => false }: WalkTreeOptions = {},
): Generator<TreeFile> {
  const rootFd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
  const stack: OpenDirectory[] = []
  try {
    const rootStats = fstatSync(rootFd, { bigint: true })
    yield { name: '' as ByteString, path: pathIn(rootFd, '.' as ByteString), stats: rootStats }
    stack.push(listed('' as ByteString, openChild(rootFd, '.' as ByteString)))
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const child = top.childrenLastFirst.pop()
      top.fd ??= child === undefined ? undefined : reopen(rootFd, top.name)
      if (child === undefined || top.fd === undefined) {
        if (top.fd !== undefined) closeSync(top.fd)
        stack.pop()
        continue
      }
      const path = pathIn(top.fd, child)
      const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
      if (stats === undefined) continue
      const name = joinPath(top.name, child)
      yield { name, path, stats }
      if (!stats.isDirectory() || isSkipped(name)) continue
      const fd = openIfDirectory(top.fd, child)
      if (fd === undefined) continue
      stack.push(listed(name, fd))
      closeFarAbove(stack)
    }
  } finally {
    for (const { fd } of stack) if (fd !== undefined) closeSync(fd)
    closeSync(rootFd)
  }
}

function pathIn(directoryFd: number, name: ByteString): Buffer {
  return Buffer.from(`/proc/self/fd/${directoryFd}/${name}`, 'latin1')
}

function openChild(directoryFd: number, name: ByteString): number {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
  return openSync(pathIn(directoryFd, name), flags)
}

function openIfDirectory(directoryFd: number, name: ByteString): number | undefined {
  try {
    return openChild(directoryFd, name)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined
    throw error
  }
}

function listed(name: ByteString, fd: number): OpenDirectory {
  const names = readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).map(byteStringOf)
  return { name, fd, childrenLastFirst: names.sort().reverse() }
}

function closeFarAbove(stack: readonly OpenDirectory[]): void {
  const above = stack.at(-1 - maxOpenAbove)
  // The root's own descriptor stays: the others are opened again from there.
  if (above?.fd === undefined) return
  closeSync(above.fd)
  above.fd = undefined
}

function reopen(rootFd: number, name: ByteString): number | undefined {
  const resolve = RESOLVE_NO_SYMLINKS | RESOLVE_IN_ROOT
  const flags = constants.O_RDONLY | constants.O_DIRECTORY
  try {
    return openat2(rootFd, name === '' ? '.' : toBuffer(name), flags, resolve)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined
    throw error
  }
}
