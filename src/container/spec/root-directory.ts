import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import { O_PATH, openat2 } from '../../host/libc.ts'

/** Largest file that is read from a root filesystem: an image's passwd may be a bomb. */
const maxBytes = 4 * 1024 * 1024

/**
 * A container's root filesystem, seen from outside without being led out of it: symlinks and `..`
 * of the image resolve inside. Opened by openRootDirectory; close it.
 */
export interface RootDirectory {
  /** The path as errors name it. */
  readonly path: string
  /**
   * The bytes of a regular file.
   *
   * @returns  undefined if there is none of that name
   * @throws   FAILED_PRECONDITION for another kind of file (a fifo would hang, a device would act)
   *           and for one above 4 MiB
   */
  readFile(path: string): Buffer | undefined
  /** What a path stands for, symlinks followed; undefined if there is nothing. */
  stat(path: string): Stats | undefined
  close(): void
}

/** @param path  the directory, or `/proc/PID/root` of a running container */
export function openRootDirectory(path: string): RootDirectory {
  const rootFd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  return {
    path,
    readFile: (name) => withPathFd(rootFd, name, (fd) => readRegularFile(fd, name)),
    stat: (name) => withPathFd(rootFd, name, (fd) => fstatSync(fd)),
    close: () => closeSync(rootFd),
  }
}

/** O_PATH neither waits for a fifo's writer nor wakes a device. */
function withPathFd<T>(rootFd: number, path: string, use: (fd: number) => T): T | undefined {
  let fd: number
  try {
    fd = openat2(rootFd, path, O_PATH)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

function readRegularFile(pathFd: number, path: string): Buffer {
  const stats = fstatSync(pathFd)
  if (!stats.isFile()) {
    throw new TsctrError('FAILED_PRECONDITION', `${path} in the image: not a regular file`)
  }
  if (stats.size > maxBytes) {
    throw new TsctrError(
      'FAILED_PRECONDITION',
      `${path} in the image: larger than ${maxBytes} bytes`,
    )
  }
  const fd = openSync(`/proc/self/fd/${pathFd}`, constants.O_RDONLY)
  try {
    const bytes = Buffer.alloc(stats.size)
    let length = 0
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, length)
      if (count === 0) break
      length += count
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(fd)
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG'
}
