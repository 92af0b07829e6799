import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  lchownSync,
  openSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { isErrno } from '../errors.ts'
import { lgetxattr, llistxattr, lsetxattr, lutimesNs, mknod } from '../host/libc.ts'

const bytesPerBlock = 512n
const chunkBytes = 1 << 20

/**
 * Copy anything but a directory to a free name, with all it has.
 *
 * @param stats  of `from` itself
 */
export function copyLeaf(from: Buffer, stats: BigIntStats, to: Buffer): void {
  if (stats.isSymbolicLink()) {
    symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to)
  } else if (!stats.isFile()) {
    mknod(to, Number(stats.mode), majorOf(stats.rdev), minorOf(stats.rdev))
  } else if (stats.blocks * bytesPerBlock < stats.size) {
    copySparse(from, to, Number(stats.size))
  } else {
    copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  }
  copyAttributes(from, stats, to)
}

/** Give a file owner, mode, extended attributes and times of another of its type. */
export function copyAttributes(from: Buffer, stats: BigIntStats, to: Buffer): void {
  lchownSync(to, Number(stats.uid), Number(stats.gid))
  // After the owner: chown takes setuid, setgid and security.capability away.
  if (!stats.isSymbolicLink()) chmodSync(to, Number(stats.mode) & 0o7777)
  copyXattrs(from, to)
  lutimesNs(to, stats.atimeNs, stats.mtimeNs)
}

function copyXattrs(from: Buffer, to: Buffer): void {
  for (const name of llistxattr(from)) {
    if (isOverlayXattr(name.toString('latin1'))) continue
    const value = lgetxattr(from, name)
    if (value === undefined) continue
    try {
      lsetxattr(to, name, value)
    } catch (error) {
      // A security module's labels are not everywhere the copier's to give.
      if (!isErrno(error, 'ENOTSUP')) throw error
    }
  }
}

/** Attributes by which overlay steers itself mean something in a layer, and nothing in a copy. */
function isOverlayXattr(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')
}

/** Copy a file with holes as one: a layer of some kilobytes may hold a file of terabytes. */
function copySparse(from: Buffer, to: Buffer, sizeBytes: number): void {
  const source = openSync(from, 'r')
  try {
    const target = openSync(to, 'wx', 0o600)
    try {
      copyChunks(source, target)
      ftruncateSync(target, sizeBytes)
    } finally {
      closeSync(target)
    }
  } finally {
    closeSync(source)
  }
}

function copyChunks(source: number, target: number): void {
  const chunk = Buffer.alloc(chunkBytes)
  const zeros = Buffer.alloc(chunkBytes)
  for (let offset = 0; ; ) {
    const length = readSync(source, chunk, 0, chunkBytes, offset)
    if (length === 0) return
    if (chunk.compare(zeros, 0, length, 0, length) !== 0) {
      writeFully(target, chunk.subarray(0, length), offset)
    }
    offset += length
  }
}

function writeFully(fd: number, bytes: Buffer, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
  }
}

/** Source: gnu_dev_major, sys/sysmacros.h */
function majorOf(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n))
}

/** Source: gnu_dev_minor, sys/sysmacros.h */
function minorOf(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n))
}
