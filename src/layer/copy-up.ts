import { constants, copyFileSync, lstatSync, readlinkSync, symlinkSync } from 'node:fs'
import { lgetxattr, llistxattr, lutimesNs, mknod } from '../host/libc.ts'
import { type ByteString, byteStringOf, toBuffer, toOwnBytes } from './byte-string.ts'
import { type Ownership, setMetadata } from './file-metadata.ts'
import type { LowerEntry } from './lower-tree.ts'
import type { RecordedMetadata } from './recorded-metadata.ts'
import type { Metadata, Xattr } from './tar-reader.ts'
import { isOverlayXattr } from './whiteout.ts'

/**
 * Copy a file of a lower layer, with all it has, to a free name.
 *
 * @param path  of the copy, relative to its root
 * @returns     what the copy should have and does not, in `record`
 */
export function copyUp(
  source: LowerEntry,
  target: Buffer,
  path: ByteString,
  ownership: Ownership,
): RecordedMetadata | undefined {
  const from = toBuffer(source.path)
  const { stats } = source
  if (stats.isFile()) {
    copyFileSync(from, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  } else if (stats.isSymbolicLink()) {
    symlinkSync(readlinkSync(from, { encoding: 'buffer' }), target)
  } else {
    mknod(target, stats.mode, (stats.rdev >>> 8) & 0xfff, minorOf(stats.rdev))
  }
  return copyMetadata(source, target, path, ownership)
}

/** Give a file the owner, mode, attributes and time of one in a lower layer. */
export function copyMetadata(
  source: LowerEntry,
  target: Buffer,
  path: ByteString,
  ownership: Ownership,
): RecordedMetadata | undefined {
  const from = toBuffer(source.path)
  const { uid, gid, mode } = source.stats
  const metadata: Metadata = {
    uid,
    gid,
    mode: mode & ~constants.S_IFMT,
    modified: { seconds: 0, nanoseconds: 0 },
    xattrs: readXattrs(from),
  }
  setMetadata(target, mode & constants.S_IFMT, metadata, ownership)
  // Not from the stats at hand: their times are rounded to what a double holds.
  const { mtimeNs } = lstatSync(from, { bigint: true })
  lutimesNs(target, mtimeNs, mtimeNs)
  if (source.recorded === undefined) return undefined
  // A mark that ends what lies below counts for its own layer only.
  const xattrs = source.recorded.xattrs.filter(({ name }) => !isOverlayXattr(byteStringOf(name)))
  return { ...source.recorded, path: toOwnBytes(path), xattrs }
}

function readXattrs(path: Buffer): Xattr[] {
  const xattrs: Xattr[] = []
  for (const name of llistxattr(path)) {
    const value = lgetxattr(path, name)
    if (value !== undefined) xattrs.push({ name: byteStringOf(name), value })
  }
  return xattrs
}

function minorOf(rdev: number): number {
  return (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
}
