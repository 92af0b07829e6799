import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  readSync,
} from 'node:fs'
import { isErrno } from '../errors.ts'
import { lgetxattr, llistxattr } from '../host/libc.ts'
import { type ByteString, byteStringOf } from './byte-string.ts'
import type { Ownership } from './file-metadata.ts'
import type { RecordedMetadata } from './recorded-metadata.ts'
import { encodeTarEntry, type NewTarEntry, paddingAfter, tarEnd } from './tar-format.ts'
import type { Timestamp } from './tar-header.ts'
import type { EntryKind, Xattr } from './tar-reader.ts'
import { isOverlayXattr } from './whiteout.ts'

/** A file to put into an archive. */
export interface FileToPack {
  /** In the archive; empty for the root, which is written as `./`. */
  readonly name: ByteString
  /** Where it lies; looked up without following a symlink. */
  readonly path: Buffer
  /** As lstat has it. */
  readonly stats: BigIntStats
  /** What it should be and is not, where files are written without privilege. */
  readonly recorded?: RecordedMetadata | undefined
}

/** A name that hides what lower layers have: an empty file `.wh.…`. */
export interface WhiteoutToPack {
  readonly whiteout: ByteString
}

export interface PackOptions {
  /** `record`: a file without a record belongs to root, whoever has it on disk. */
  readonly ownership: Ownership
  /** What the archive says of a file in place of what it has: another name, another owner. */
  readonly change?: ((entry: NewTarEntry) => NewTarEntry) | undefined
}

const chunkBytes = 256 * 1024
const whiteoutMode = 0o600

/**
 * A tar archive of files, piece by piece; nothing is read before it is asked for.
 *
 * The second and further names of an inode are hard links to the first. Sockets are left out, and
 * so is a file that goes away before its turn; one that shrinks while it is read is filled with
 * zeros, one that grows is cut. Holes are written as the zeros they are.
 *
 * @param files  in the order of the archive
 */
export function* packFiles(
  files: Iterable<FileToPack | WhiteoutToPack>,
  options: PackOptions,
): Generator<Buffer> {
  const firstNames = new Map<string, ByteString>()
  for (const file of files) {
    if ('whiteout' in file) yield encodeTarEntry(whiteoutEntry(file.whiteout))
    else yield* packFile(file, firstNames, options)
  }
  yield tarEnd
}

function whiteoutEntry(name: ByteString): NewTarEntry {
  return {
    name,
    kind: 'file',
    linkName: '' as ByteString,
    sizeBytes: 0,
    uid: 0,
    gid: 0,
    mode: whiteoutMode,
    modified: { seconds: 0, nanoseconds: 0 },
    xattrs: [],
    devMajor: 0,
    devMinor: 0,
  }
}

function* packFile(
  file: FileToPack,
  firstNames: Map<string, ByteString>,
  { ownership, change = (entry) => entry }: PackOptions,
): Generator<Buffer> {
  const fd = file.stats.isFile() ? openIfFile(file.path) : undefined
  if (file.stats.isFile() && fd === undefined) return
  try {
    // The size at the time of opening counts.
    const stats = fd === undefined ? file.stats : fstatSync(fd, { bigint: true })
    const described = describeFile({ ...file, stats }, ownership)
    if (described === undefined) return
    const entry = change(described)
    const inode = `${stats.dev}:${stats.ino}`
    const isShared = stats.nlink > 1n && entry.kind !== 'directory'
    const linkName = isShared ? firstNames.get(inode) : undefined
    if (linkName !== undefined) {
      yield encodeTarEntry({ ...entry, kind: 'hardlink', linkName, sizeBytes: 0, xattrs: [] })
      return
    }
    if (isShared) firstNames.set(inode, entry.name)
    const header = encodeTarEntry(entry)
    if (fd === undefined || entry.sizeBytes === 0) yield header
    else yield* withBody(header, fd, entry.sizeBytes)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** O_NONBLOCK: a fifo that took a file's place must not be waited on. */
function openIfFile(path: Buffer): number | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ELOOP', 'ENXIO')) return undefined
    throw error
  }
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  return undefined
}

/** Header, body and padding, in few pieces: most files are small. */
function* withBody(header: Buffer, fd: number, sizeBytes: number): Generator<Buffer> {
  let before = header
  for (let offset = 0; offset < sizeBytes; ) {
    const wanted = Math.min(chunkBytes, sizeBytes - offset)
    const isLast = offset + wanted === sizeBytes
    const padding = isLast ? paddingAfter(sizeBytes) : 0
    const chunk = Buffer.allocUnsafe(before.length + wanted + padding)
    before.copy(chunk)
    const read = readUpTo(fd, chunk.subarray(before.length, before.length + wanted), offset)
    chunk.fill(0, before.length + read)
    yield chunk
    offset += wanted
    before = header.subarray(0, 0)
  }
}

function readUpTo(fd: number, into: Buffer, position: number): number {
  let done = 0
  while (done < into.length) {
    const read = readSync(fd, into, done, into.length - done, position + done)
    if (read === 0) break
    done += read
  }
  return done
}

/** What an archive says of a file; undefined for what archives do not hold, and for what is gone. */
export function describeFile(file: FileToPack, ownership: Ownership): NewTarEntry | undefined {
  const { stats, path } = file
  const recorded = ownership === 'record' ? file.recorded : undefined
  const mode = recorded?.mode ?? Number(stats.mode)
  const kind = kinds.get(mode & constants.S_IFMT)
  if (kind === undefined) return undefined
  try {
    const isDevice = kind === 'character' || kind === 'block'
    const rdev = recorded === undefined ? stats.rdev : BigInt(recorded.rdev)
    return {
      name: file.name === '' ? ('.' as ByteString) : file.name,
      kind,
      linkName:
        kind === 'symlink'
          ? byteStringOf(readlinkSync(path, { encoding: 'buffer' }))
          : ('' as ByteString),
      sizeBytes: kind === 'file' ? Number(stats.size) : 0,
      mode: mode & 0o7777,
      uid: recorded?.uid ?? (ownership === 'record' ? 0 : Number(stats.uid)),
      gid: recorded?.gid ?? (ownership === 'record' ? 0 : Number(stats.gid)),
      modified: timestampOf(stats.mtimeNs),
      xattrs: [...readXattrs(path), ...recordedXattrs(recorded)],
      devMajor: isDevice ? majorOf(rdev) : 0,
      devMinor: isDevice ? minorOf(rdev) : 0,
    }
  } catch (error) {
    // EINVAL: it is no symlink any more.
    if (isErrno(error, 'ENOENT', 'EINVAL')) return undefined
    throw error
  }
}

const kinds = new Map<number, EntryKind>([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'symlink'],
  [constants.S_IFCHR, 'character'],
  [constants.S_IFBLK, 'block'],
  [constants.S_IFIFO, 'fifo'],
])

/** Attributes that mean the same on another machine. Source: containerd archive/tar.go, moby ReadSecurityXattrToTarHeader */
function isPortable(name: string): boolean {
  return name.startsWith('user.') || name === 'security.capability'
}

function readXattrs(path: Buffer): Xattr[] {
  const xattrs: Xattr[] = []
  for (const bytes of llistxattr(path)) {
    const name = byteStringOf(bytes)
    if (!isPortable(name) || isOverlayXattr(name)) continue
    const value = lgetxattr(path, bytes)
    if (value !== undefined) xattrs.push({ name, value })
  }
  return xattrs.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function recordedXattrs(recorded: RecordedMetadata | undefined): Xattr[] {
  const xattrs = (recorded?.xattrs ?? []).map(({ name, value }) => ({
    name: byteStringOf(name),
    value: Buffer.from(value),
  }))
  return xattrs.filter(({ name }) => !isOverlayXattr(name))
}

function timestampOf(totalNs: bigint): Timestamp {
  const nanoseconds = ((totalNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return {
    seconds: Number((totalNs - nanoseconds) / 1_000_000_000n),
    nanoseconds: Number(nanoseconds),
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
