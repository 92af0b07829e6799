import { constants } from 'node:fs'
import { type ByteString, toOwnBytes } from './byte-string.ts'
import { modeOnDisk } from './file-metadata.ts'
import type { Metadata, Xattr } from './tar-reader.ts'

/**
 * What a file was to have and an unprivileged user could not give it. A file without such a record
 * belongs to root:root and is what it looks like.
 */
export interface RecordedMetadata {
  /** Relative to the snapshot's root, empty for the root itself. */
  readonly path: Uint8Array
  readonly uid: number
  readonly gid: number
  /** With the file type (S_IFMT). */
  readonly mode: number
  readonly rdev: number
  /** Those that could not be set. */
  readonly xattrs: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[]
}

/** Undefined where the file on disk says it all. */
export function recordOf(
  path: ByteString,
  fileType: number,
  metadata: Metadata,
  rdev: number,
  xattrs: readonly Xattr[],
): RecordedMetadata | undefined {
  const isOnDisk =
    metadata.uid === 0 &&
    metadata.gid === 0 &&
    (fileType === constants.S_IFLNK ||
      modeOnDisk('record', fileType, metadata.mode) === metadata.mode) &&
    fileType !== constants.S_IFCHR &&
    fileType !== constants.S_IFBLK &&
    xattrs.length === 0
  if (isOnDisk) return undefined
  return {
    path: toOwnBytes(path),
    uid: metadata.uid,
    gid: metadata.gid,
    mode: fileType | metadata.mode,
    rdev,
    xattrs: xattrs.map(({ name, value }) => ({
      name: toOwnBytes(name),
      value: new Uint8Array(value),
    })),
  }
}

/** One number for a device, as stat(2) gives it. Source: gnu_dev_makedev, for 12-bit majors and 20-bit minors */
export function deviceNumber(major: number, minor: number): number {
  return ((major << 8) | (minor & 0xff) | ((minor & ~0xff) << 12)) >>> 0
}
