/** Builds tar archives byte by byte: also those that no program would write. */

export interface EntryFields {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Seconds since the epoch. */
  readonly mtime?: number
  readonly body?: Buffer | string
  /** What the header claims, where it is not the body's. */
  readonly sizeBytes?: number
  readonly linkName?: string | Buffer
  readonly devMajor?: number
  readonly devMinor?: number
  /** `ustar` unless given; empty for v7. */
  readonly magic?: string
  /** Bytes put over the finished header, by offset, before the checksum is made. */
  readonly patches?: readonly (readonly [offset: number, bytes: Buffer | string])[]
  /** Bytes between header and body. */
  readonly extension?: Buffer
  /** An extended header before the entry. */
  readonly pax?: readonly (readonly [key: string, value: string | Buffer])[]
}

export const blockBytes = 512

/** A whole archive: entries and the end marker. */
export function tarOf(...entries: readonly Buffer[]): Buffer {
  return Buffer.concat([...entries, Buffer.alloc(2 * blockBytes)])
}

export function entry(name: string | Buffer, type: string, fields: EntryFields = {}): Buffer {
  const body = Buffer.from(fields.body ?? '')
  const parts = [header(name, type, body.length, fields), fields.extension ?? '', pad(body)]
  if (fields.pax !== undefined) parts.unshift(paxEntry(fields.pax))
  return Buffer.concat(parts.map((part) => Buffer.from(part)))
}

export function file(name: string | Buffer, body: Buffer | string = '', fields: EntryFields = {}) {
  return entry(name, '0', { ...fields, body })
}

export function directory(name: string | Buffer, fields: EntryFields = {}): Buffer {
  return entry(name, '5', { mode: 0o755, ...fields })
}

export function symlink(
  name: string | Buffer,
  linkName: string | Buffer,
  fields: EntryFields = {},
) {
  return entry(name, '2', { mode: 0o777, ...fields, linkName })
}

export function hardLink(
  name: string | Buffer,
  linkName: string | Buffer,
  fields: EntryFields = {},
) {
  return entry(name, '1', { ...fields, linkName })
}

export function paxEntry(records: EntryFields['pax'] & object, type = 'x'): Buffer {
  return entry('PaxHeader', type, {
    body: Buffer.concat(records.map(([key, value]) => paxRecord(key, value))),
  })
}

export function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')])
  // The length counts its own digits.
  let length = rest.length
  while (String(length).length + rest.length !== length)
    length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

/** A GNU long name (`L`) or long link target (`K`) for the entry after it. */
export function gnuLong(type: 'L' | 'K', text: string | Buffer): Buffer {
  return entry('././@LongLink', type, {
    magic: 'ustar  \0',
    body: Buffer.concat([Buffer.from(text), Buffer.alloc(1)]),
  })
}

function header(
  name: string | Buffer,
  type: string,
  bodyBytes: number,
  fields: EntryFields,
): Buffer {
  const block = Buffer.alloc(blockBytes)
  Buffer.from(name).copy(block, 0, 0, 100)
  writeOctal(block, 100, 8, fields.mode ?? 0o644)
  writeOctal(block, 108, 8, fields.uid ?? 0)
  writeOctal(block, 116, 8, fields.gid ?? 0)
  writeOctal(block, 124, 12, fields.sizeBytes ?? bodyBytes)
  writeOctal(block, 136, 12, fields.mtime ?? 1_600_000_000)
  block.write(type, 156, 'latin1')
  Buffer.from(fields.linkName ?? '').copy(block, 157, 0, 100)
  block.write(fields.magic ?? 'ustar\x0000', 257, 'latin1')
  writeOctal(block, 329, 8, fields.devMajor ?? 0)
  writeOctal(block, 337, 8, fields.devMinor ?? 0)
  for (const [offset, bytes] of fields.patches ?? []) Buffer.from(bytes).copy(block, offset)
  return withChecksum(block)
}

export function withChecksum(block: Buffer): Buffer {
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** A number in base 256, as GNU tar writes what octal digits cannot hold. */
export function base256(value: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let rest = value
  for (let index = length - 1; index >= 0; index -= 1) {
    bytes[index] = Number(rest & 0xffn)
    rest >>= 8n
  }
  bytes[0] = (bytes[0] ?? 0) | 0x80
  return bytes
}

function writeOctal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), offset, length - 1, 'latin1')
}

function pad(body: Buffer): Buffer {
  return Buffer.concat([body, Buffer.alloc((blockBytes - (body.length % blockBytes)) % blockBytes)])
}
