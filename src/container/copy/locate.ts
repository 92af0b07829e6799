import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
} from 'node:fs'
import { posix } from 'node:path'
import { isErrno, TsctrError } from '../../errors.ts'
import { O_PATH, openat2, RESOLVE_IN_ROOT } from '../../host/libc.ts'
import { type ByteString, byteStringOf } from '../../layer/byte-string.ts'

/** A directory that paths are looked up in as if it were `/`. */
export interface TreeRoot {
  readonly fd: number
  /** The host's own root, where links lead wherever they lead. */
  readonly isHost: boolean
  /** What errors put before a path: `NAME:`, or nothing for the host. */
  readonly prefix: string
  /** Open as long as the tree is. */
  readonly descriptors: number[]
}

/** A path, looked up as far as it goes. Its descriptors are the tree's. */
export interface Located {
  /** Absolute, links of the last component followed where that was asked for. */
  readonly path: string
  /** The directory that holds it. */
  readonly parentFd: number
  /** Its name there; empty for the root. */
  readonly name: ByteString
  /** Undefined if there is nothing of that name. */
  readonly stats: BigIntStats | undefined
  /** Of a directory: a descriptor, for names in it. */
  readonly directoryFd: number | undefined
}

const maxLinks = 40

/**
 * Look a path up without being led out of the root, whatever is swapped meanwhile: the kernel
 * resolves the directories inside the root, and the last component is looked at by itself.
 *
 * @param path   absolute; an end in `/` or `/.` follows a link and asks for a directory
 * @param follows  links of the last component, to a file or to nothing
 * @throws         NOT_FOUND if the directory that holds it is missing
 */
export function locate(root: TreeRoot, path: string, follows: boolean): Located {
  let wanted = normalized(path)
  for (let links = 0; links <= maxLinks; links += 1) {
    const located = lookAt(root, wanted)
    if (!follows || located.stats?.isSymbolicLink() !== true) return located
    const onDisk = inDirectory(located.parentFd, located.name)
    const target = readlinkSync(onDisk)
    // Not cleaned: what `..` means after a link, the kernel knows.
    wanted = target.startsWith('/') ? target : `${posix.dirname(wanted)}/${target}`
  }
  throw new TsctrError('INVALID_ARGUMENT', `${root.prefix}${path}: too many levels of symlinks`)
}

/** A path for system calls that do not follow a symlink in the last component. */
export function inDirectory(directoryFd: number, name: ByteString): Buffer {
  return Buffer.from(`/proc/self/fd/${directoryFd}/${name}`, 'latin1')
}

/** Open a path inside the root. */
export function openIn(root: TreeRoot, path: string | Buffer, flags: number): number {
  return openat2(root.fd, path, flags, root.isHost ? 0 : RESOLVE_IN_ROOT)
}

/** Close a tree and what was located in it. */
export function closeTree({ descriptors }: TreeRoot): void {
  for (const fd of descriptors.splice(0)) closeSync(fd)
}

/** Whether a path as typed says that it is a directory. */
export function assertsDirectory(path: string): boolean {
  return /(^|\/)\.?$/.test(path)
}

/** `..` of a path as typed is taken by the letter, as docker does. */
function normalized(path: string): string {
  const clean = posix.normalize(`/${path}`)
  return assertsDirectory(path) && !clean.endsWith('/') ? `${clean}/` : clean
}

function lookAt(root: TreeRoot, path: string): Located {
  const plain = path.replace(/(\/\.?)+$/, '') || '/'
  const base = posix.basename(plain)
  const name = byteStringOf(base === '..' ? '' : base)
  const parentFd = openParent(root, plain, name === '' ? `${plain}/..` : posix.dirname(plain))
  if (name === '' || plain !== path) {
    const directoryFd = openDirectory(root, plain)
    if (directoryFd !== undefined) {
      const stats = fstatSync(directoryFd, { bigint: true })
      return { path: plain, parentFd, name, stats, directoryFd }
    }
  }
  const stats = lstatSync(inDirectory(parentFd, name), { bigint: true, throwIfNoEntry: false })
  const directoryFd = stats?.isDirectory() === true ? openChild(root, parentFd, name) : undefined
  return { path: plain, parentFd, name, stats, directoryFd }
}

function openParent(root: TreeRoot, path: string, parent: string): number {
  try {
    return held(root, openIn(root, parent, O_PATH | constants.O_DIRECTORY))
  } catch (error) {
    const problem = absence(error)
    if (problem === undefined) throw error
    throw new TsctrError('NOT_FOUND', `${root.prefix}${path}: its directory: ${problem}`)
  }
}

function openDirectory(root: TreeRoot, path: string): number | undefined {
  try {
    return held(root, openIn(root, path, O_PATH | constants.O_DIRECTORY))
  } catch (error) {
    if (absence(error) === undefined) throw error
    return undefined
  }
}

function openChild(root: TreeRoot, parentFd: number, name: ByteString): number {
  const flags = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW
  return held(root, openSync(inDirectory(parentFd, name), flags))
}

function held(root: TreeRoot, fd: number): number {
  root.descriptors.push(fd)
  return fd
}

function absence(error: unknown): string | undefined {
  if (isErrno(error, 'ENOENT')) return 'no such directory'
  if (isErrno(error, 'ENOTDIR')) return 'not a directory'
  if (isErrno(error, 'ELOOP')) return 'too many levels of symlinks'
  if (isErrno(error, 'ENAMETOOLONG')) return 'name is too long'
  return undefined
}
