import { type ByteString, byteStringOf, toBuffer } from './byte-string.ts'
import { blockBytes, type Timestamp } from './tar-header.ts'
import type { EntryKind, Metadata, Xattr } from './tar-reader.ts'

/** A file as an archive is to have it. */
export interface NewTarEntry extends Metadata {
  /** Bytes; a directory's without the slash at its end. */
  readonly name: ByteString
  readonly kind: EntryKind
  /** Of a symlink what it holds, of a hard link the name of an earlier entry. */
  readonly linkName: ByteString
  /** Of the body that follows; only files have one. */
  readonly sizeBytes: number
  readonly devMajor: number
  readonly devMinor: number
}

/** What ends an archive. */
export const tarEnd: Buffer = Buffer.alloc(2 * blockBytes)

const typeFlags: Readonly<Record<EntryKind, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}

const nameBytes = 100
/** Largest numbers that fit in fields of 7 and 11 octal digits. */
const maxSmall = 0o7777777
const maxLarge = 0o77777777777

/**
 * The header of an entry: a ustar block, and before it an extended one for what does not fit there.
 *
 * The same entry gives the same bytes on any machine: no user names, no clock.
 *
 * Source: POSIX.1-2017 pax "pax Interchange Format"; star(5) "SCHILY.xattr"
 */
export function encodeTarEntry(entry: NewTarEntry): Buffer {
  const name = entry.kind === 'directory' ? (`${entry.name}/` as ByteString) : entry.name
  const block = encodeBlock({ ...entry, name })
  const records = paxRecords(name, entry)
  if (records.length === 0) return block
  const body = Buffer.concat(records)
  const header = encodeBlock({
    name: 'PaxHeaders.0/entry' as ByteString,
    linkName: '' as ByteString,
    type: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: body.length,
    modified: { seconds: 0, nanoseconds: 0 },
    devMajor: 0,
    devMinor: 0,
  })
  return Buffer.concat([header, body, Buffer.alloc(paddingAfter(body.length)), block])
}

/** Zeros that bring a body to the end of its last block. */
export function paddingAfter(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes
}

type BlockFields = Omit<NewTarEntry, 'kind' | 'xattrs'> & {
  readonly kind?: EntryKind
  readonly type?: string
}

/** What does not fit in a field is 0 or cut there: the extended header says it. */
function encodeBlock(fields: BlockFields): Buffer {
  const block = Buffer.alloc(blockBytes)
  const { seconds } = fields.modified
  toBuffer(fields.name).copy(block, 0, 0, nameBytes)
  writeOctal(block, 100, 8, fields.mode)
  writeOctal(block, 108, 8, upTo(maxSmall, fields.uid))
  writeOctal(block, 116, 8, upTo(maxSmall, fields.gid))
  writeOctal(block, 124, 12, upTo(maxLarge, fields.sizeBytes))
  writeOctal(block, 136, 12, upTo(maxLarge, seconds))
  block.fill(' ', 148, 156)
  block.write(fields.type ?? typeFlags[fields.kind ?? 'file'], 156, 'latin1')
  toBuffer(fields.linkName).copy(block, 157, 0, nameBytes)
  block.write('ustar\x0000', 257, 'latin1')
  writeOctal(block, 329, 8, fields.devMajor)
  writeOctal(block, 337, 8, fields.devMinor)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function upTo(max: number, value: number): number {
  return value < 0 || value > max ? 0 : value
}

function writeOctal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1')
}

function paxRecords(name: ByteString, entry: NewTarEntry): Buffer[] {
  const { linkName, modified } = entry
  const records: Buffer[] = []
  const add = (key: string, value: Buffer | string): void => {
    records.push(paxRecord(key, Buffer.from(value)))
  }
  const longNames = [name, linkName].filter((text) => text.length > nameBytes)
  // Values are UTF-8 unless it is said that they are not.
  if (!longNames.every((text) => isUtf8(text))) add('hdrcharset', 'BINARY')
  if (name.length > nameBytes) add('path', toBuffer(name))
  if (linkName.length > nameBytes) add('linkpath', toBuffer(linkName))
  if (entry.uid > maxSmall) add('uid', String(entry.uid))
  if (entry.gid > maxSmall) add('gid', String(entry.gid))
  if (entry.sizeBytes > maxLarge) add('size', String(entry.sizeBytes))
  const fits = modified.seconds >= 0 && modified.seconds <= maxLarge
  if (!fits || modified.nanoseconds !== 0) add('mtime', paxTime(modified))
  for (const xattr of entry.xattrs) records.push(xattrRecord(xattr))
  return records
}

/** A name with an equals sign would end there: the form of libarchive escapes it. */
function xattrRecord({ name, value }: Xattr): Buffer {
  if (!name.includes('=')) return paxRecord(`SCHILY.xattr.${name}`, value)
  const escaped = name.replaceAll('%', '%25').replaceAll('=', '%3D')
  return paxRecord(`LIBARCHIVE.xattr.${escaped}`, Buffer.from(value.toString('base64')))
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')])
  let length = rest.length
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length
  }
  return Buffer.concat([Buffer.from(String(length)), rest])
}

/** Nanoseconds count upwards from the second, also before the epoch. */
function paxTime({ seconds, nanoseconds }: Timestamp): string {
  const totalNs = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
  const magnitude = totalNs < 0n ? -totalNs : totalNs
  const fraction = String(magnitude % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  const whole = `${totalNs < 0n ? '-' : ''}${magnitude / 1_000_000_000n}`
  return fraction === '' ? whole : `${whole}.${fraction}`
}

function isUtf8(text: ByteString): boolean {
  return byteStringOf(toBuffer(text).toString('utf8')) === text
}
