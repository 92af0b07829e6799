import type { ByteReader } from './byte-reader.ts'
import { type ByteString, byteStringUpToNul } from './byte-string.ts'
import { archiveError, escapeName, layerError } from './layer-error.ts'
import { type PaxRecord, parsePaxRecords, paxName, paxNumber, paxTimestamp } from './pax.ts'
import { readOldGnuSparseMap, readPaxSparseMap, type SparseMap } from './sparse.ts'
import { blockBytes, parseHeader, type RawHeader, type Timestamp } from './tar-header.ts'

/** Long names and extended headers in front of one entry, together. */
const maxMetaBytes = 1024 * 1024
/** The kernel's "leave as it is" is -1, so it is nobody's id. */
const maxId = 0xffff_fffe
/** The last second whose nanoseconds fit in 64 bits. */
const maxSeconds = 9_223_372_035
const noXattrs: readonly Xattr[] = []
const epoch: Timestamp = { seconds: 0, nanoseconds: 0 }

export type EntryKind =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'hardlink'
  | 'character'
  | 'block'
  | 'fifo'

export interface Xattr {
  readonly name: ByteString
  readonly value: Buffer
}

/** What owner, mode, times and attributes a file is to have. */
export interface Metadata {
  readonly uid: number
  readonly gid: number
  /** Permission, setuid, setgid and sticky bits. */
  readonly mode: number
  readonly modified: Timestamp
  readonly xattrs: readonly Xattr[]
}

/** What a file has that no entry speaks of. */
export const rootOwned: Metadata = { uid: 0, gid: 0, mode: 0, modified: epoch, xattrs: [] }

export interface TarEntry extends Metadata {
  /** As the archive has it: not cleaned. */
  readonly name: ByteString
  readonly linkName: ByteString
  readonly kind: EntryKind
  /** Bytes to take from the reader: holes of a sparse file are not among them. */
  readonly bodyBytes: number
  readonly sparse: SparseMap | undefined
  readonly devMajor: number
  readonly devMinor: number
}

const kinds = new Map<string, EntryKind>([
  ['0', 'file'],
  ['\0', 'file'],
  ['S', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'character'],
  ['4', 'block'],
  ['5', 'directory'],
  ['6', 'fifo'],
])

/** Reads a tar archive entry by entry. Names, link targets and attributes are bytes. */
export class TarReader {
  readonly #reader: ByteReader
  #bodyLeft = 0
  #paddingLeft = 0

  constructor(reader: ByteReader) {
    this.#reader = reader
  }

  /**
   * The next entry; what was left of the last one's body is skipped.
   *
   * @returns  undefined at the end of the archive, of which everything has then been read
   * @throws   INVALID_ARGUMENT for an archive that is damaged, cut off or followed by other bytes
   */
  next(): TarEntry | undefined {
    this.#finishBody()
    const meta: MetaHeaders = { paxRecords: [], longName: undefined, longLinkName: undefined }
    let metaBytes = 0
    for (;;) {
      const block = this.#reader.takeOrEnd(blockBytes)
      const header = block === undefined ? undefined : parseHeader(block)
      if (block === undefined || header === undefined) {
        if (metaBytes > 0) throw archiveError('extended header without an entry')
        if (block !== undefined) this.#readTrailer()
        return undefined
      }
      if (!'xgLK'.includes(header.type)) return this.#readEntry(header, block, meta)
      metaBytes += blockBytes + header.sizeBytes
      if (metaBytes > maxMetaBytes) throw archiveError('extended headers are longer than 1 MiB')
      this.#readMeta(header, meta)
    }
  }

  /** Hand on the entry's next body bytes, in views that are valid during the call. */
  forEachBodySlice(length: number, use: (slice: Buffer) => void): void {
    this.#bodyLeft -= length
    this.#reader.forEachSlice(length, use)
  }

  #finishBody(): void {
    this.#reader.skip(this.#bodyLeft + this.#paddingLeft)
    this.#bodyLeft = 0
    this.#paddingLeft = 0
  }

  #readMeta(header: RawHeader, meta: MetaHeaders): void {
    const body = Buffer.from(this.#reader.take(header.sizeBytes))
    this.#reader.skip(paddingAfter(header.sizeBytes))
    if (header.type === 'L') meta.longName = byteStringUpToNul(body, 0, body.length)
    else if (header.type === 'K') meta.longLinkName = byteStringUpToNul(body, 0, body.length)
    else {
      const records = parsePaxRecords(body)
      // Global headers are checked and not applied: no other engine does, and an image must come
      // out the same everywhere.
      if (header.type === 'x') meta.paxRecords = records
    }
  }

  #readEntry(header: RawHeader, block: Buffer, meta: MetaHeaders): TarEntry {
    const pax = mergePax(header, meta.paxRecords)
    const name = meta.longName ?? pax.name
    const linkName = meta.longLinkName ?? pax.linkName
    const kind = entryKind(header.type, name)
    const packedBytes = kind === 'file' ? pax.sizeBytes : 0
    const { sparse, bodyBytes } = this.#readSparse(header, block, meta, packedBytes)
    this.#bodyLeft = bodyBytes
    this.#paddingLeft = paddingAfter(packedBytes)
    return {
      name,
      linkName,
      kind,
      bodyBytes,
      sparse,
      mode: header.mode & 0o7777,
      uid: requireId(name, 'uid', pax.uid),
      gid: requireId(name, 'gid', pax.gid),
      modified: clampTime(pax.modified),
      xattrs: pax.xattrs,
      devMajor: header.devMajor,
      devMinor: header.devMinor,
    }
  }

  #readSparse(
    header: RawHeader,
    block: Buffer,
    meta: MetaHeaders,
    packedBytes: number,
  ): { sparse: SparseMap | undefined; bodyBytes: number } {
    if (header.type === 'S') {
      // The block is a view of the reader's buffer, which reading the map moves on.
      const sparse = readOldGnuSparseMap(Buffer.from(block), this.#reader, packedBytes)
      return { sparse, bodyBytes: packedBytes }
    }
    if (packedBytes > 0 || meta.paxRecords.length > 0) {
      const found = readPaxSparseMap(meta.paxRecords, this.#reader, packedBytes)
      if (found !== undefined) return { sparse: found.map, bodyBytes: found.bodyBytes }
    }
    return { sparse: undefined, bodyBytes: packedBytes }
  }

  /** One block of zeros was seen: the end is two of them, then nothing but zeros. */
  #readTrailer(): void {
    const second = this.#reader.takeOrEnd(blockBytes)
    if (second === undefined) throw archiveError('archive is cut off in its end marker')
    const check = (slice: Buffer): void => {
      if (slice.some((byte) => byte !== 0)) {
        throw archiveError('unexpected bytes after the end of the archive')
      }
    }
    check(second)
    this.#reader.forEachRemainingSlice(check)
  }
}

/** Headers that speak of the entry after them. */
interface MetaHeaders {
  paxRecords: readonly PaxRecord[]
  longName: ByteString | undefined
  longLinkName: ByteString | undefined
}

interface MergedFields {
  name: ByteString
  linkName: ByteString
  sizeBytes: number
  uid: number
  gid: number
  modified: Timestamp
  xattrs: readonly Xattr[]
}

const schilyPrefix = 'SCHILY.xattr.'
const libarchivePrefix = 'LIBARCHIVE.xattr.'

function mergePax(header: RawHeader, records: readonly PaxRecord[]): MergedFields {
  const { name, linkName, sizeBytes, uid, gid, modified } = header
  const merged: MergedFields = { name, linkName, sizeBytes, uid, gid, modified, xattrs: noXattrs }
  if (records.length === 0) return merged
  const xattrs = new Map<ByteString, Buffer>()
  for (const record of records) mergeRecord(merged, xattrs, record)
  merged.xattrs = Array.from(xattrs, ([xattrName, value]) => ({ name: xattrName, value }))
  return merged
}

function mergeRecord(
  merged: MergedFields,
  xattrs: Map<ByteString, Buffer>,
  record: PaxRecord,
): void {
  const { key, value } = record
  if (key.startsWith(schilyPrefix)) {
    xattrs.set(key.slice(schilyPrefix.length) as ByteString, value)
    return
  }
  if (key.startsWith(libarchivePrefix)) {
    const name = decodePercent(key.slice(libarchivePrefix.length))
    // Writers that use both forms mean the same; this one is a fallback.
    if (!xattrs.has(name)) xattrs.set(name, Buffer.from(value.toString('latin1'), 'base64'))
    return
  }
  // An empty value means "no such record": the header's own field counts.
  if (value.length === 0) return
  if (key === 'path' || key === 'GNU.sparse.name') merged.name = paxName(record)
  else if (key === 'linkpath') merged.linkName = paxName(record)
  else if (key === 'size') merged.sizeBytes = requireSize(paxNumber(record))
  else if (key === 'uid') merged.uid = paxNumber(record)
  else if (key === 'gid') merged.gid = paxNumber(record)
  else if (key === 'mtime') merged.modified = paxTimestamp(record)
}

function decodePercent(text: string): ByteString {
  const decoded = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  if (decoded.includes('\0')) throw archiveError('damaged extended header: NUL in a key')
  return decoded as ByteString
}

function requireSize(sizeBytes: number): number {
  if (sizeBytes < 0) throw archiveError('damaged extended header: size is negative')
  return sizeBytes
}

function entryKind(type: string, name: ByteString): EntryKind {
  const kind = kinds.get(type)
  if (kind === undefined) {
    throw layerError(name, `unknown entry type ${escapeName(type as ByteString)}`)
  }
  // Before ustar a directory was a file whose name ends in a slash.
  return kind === 'file' && type === '\0' && name.endsWith('/') ? 'directory' : kind
}

function requireId(name: ByteString, field: string, id: number): number {
  if (id < 0 || id > maxId) throw layerError(name, `${field} ${id} is out of range`)
  return id
}

/** Times no 64-bit nanosecond count holds, and those before the epoch, become the epoch. Source: containerd */
function clampTime(time: Timestamp): Timestamp {
  return time.seconds < 0 || time.seconds > maxSeconds ? epoch : time
}

function paddingAfter(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes
}
