import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { isErrno } from '../../errors.ts'
import { lsetxattr, lutimesNs, mknod, O_PATH } from '../../host/libc.ts'
import { toBuffer } from '../../layer/byte-string.ts'
import type { BodySource } from '../../layer/file-body.ts'
import type { Metadata, TarEntry } from '../../layer/tar-reader.ts'

const newFile = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY
const zeros = Buffer.alloc(256 * 1024)

/**
 * Make anything but a directory or a hard link, with all that its entry says of it.
 *
 * @param path   a free name; nothing but its last component may be in others' hands
 * @param check  called for each slice of a file
 */
export function makeFile(path: Buffer, entry: TarEntry, body: BodySource, check: () => void): void {
  if (entry.kind === 'file') {
    writeFile(path, entry, body, check)
  } else if (entry.kind === 'symlink') {
    symlinkSync(toBuffer(entry.linkName), path)
    lchownSync(path, entry.uid, entry.gid)
    setXattrsAndTime(path, entry)
  } else {
    makeNode(path, entry)
  }
}

function writeFile(path: Buffer, entry: TarEntry, body: BodySource, check: () => void): void {
  const fd = openSync(path, newFile, 0o600)
  try {
    writeBody(fd, entry, body, check)
    fchownSync(fd, entry.uid, entry.gid)
    // After the owner: chown takes setuid, setgid and capabilities away.
    fchmodSync(fd, entry.mode)
    setXattrsAndTime(path, entry)
  } finally {
    closeSync(fd)
  }
}

function writeBody(fd: number, entry: TarEntry, body: BodySource, check: () => void): void {
  let position = 0
  const writeSlice = (slice: Buffer): void => {
    check()
    if (slice.compare(zeros, 0, slice.length) !== 0) writeWhole(fd, slice, position)
    position += slice.length
  }
  if (entry.sparse === undefined) body(entry.bodyBytes, writeSlice)
  for (const { offset, length } of entry.sparse?.regions ?? []) {
    position = offset
    body(length, writeSlice)
  }
  // Zeros at the end were left out, as were those in between.
  ftruncateSync(fd, entry.sparse?.realSizeBytes ?? entry.bodyBytes)
}

function makeNode(path: Buffer, entry: TarEntry): void {
  const types = { fifo: constants.S_IFIFO, character: constants.S_IFCHR, block: constants.S_IFBLK }
  mknod(path, types[entry.kind as keyof typeof types] | 0o600, entry.devMajor, entry.devMinor)
  lchownSync(path, entry.uid, entry.gid)
  // By descriptor, because chmod by name follows a symlink that took the node's place.
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW)
  try {
    chmodSync(`/proc/self/fd/${fd}`, entry.mode)
  } finally {
    closeSync(fd)
  }
  setXattrsAndTime(path, entry)
}

/** Of the file itself, never of what a symlink points to. */
export function setXattrsAndTime(path: Buffer, { xattrs, modified }: Metadata): void {
  for (const { name, value } of xattrs) {
    try {
      lsetxattr(path, toBuffer(name), value)
    } catch (error) {
      // The file system keeps none of this kind: docker goes on without it too.
      if (!isErrno(error, 'ENOTSUP', 'EPERM')) throw error
    }
  }
  const timeNs = BigInt(modified.seconds) * 1_000_000_000n + BigInt(modified.nanoseconds)
  lutimesNs(path, timeNs, timeNs)
}

function writeWhole(fd: number, slice: Buffer, position: number): void {
  for (let written = 0; written < slice.length; ) {
    written += writeSync(fd, slice, written, slice.length - written, position + written)
  }
}
