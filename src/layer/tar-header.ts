import { type ByteString, byteStringUpToNul } from './byte-string.ts'
import { archiveError } from './layer-error.ts'

export const blockBytes = 512

/** Seconds and nanoseconds since the epoch; nanoseconds count upwards from the second. */
export interface Timestamp {
  readonly seconds: number
  readonly nanoseconds: number
}

/** One header block, its fields as they stand there. */
export interface RawHeader {
  readonly name: ByteString
  readonly linkName: ByteString
  /** The type flag: `0` file, `5` directory … */
  readonly type: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly modified: Timestamp
  readonly devMajor: number
  readonly devMinor: number
}

/**
 * Parse a header block: v7, ustar, GNU or star.
 *
 * @returns  undefined for a block of zeros
 * @throws   INVALID_ARGUMENT for a wrong checksum or a number out of range
 * Source: POSIX.1-2017 pax "ustar Interchange Format"; GNU tar manual "Basic Tar Format"
 */
export function parseHeader(block: Buffer): RawHeader | undefined {
  if (!hasValidChecksum(block)) {
    if (isZero(block)) return undefined
    throw archiveError('not a tar archive, or damaged: header checksum is wrong')
  }
  const type = String.fromCharCode(block[156] ?? 0)
  const major = hasDeviceFields(block) ? parseNumber(block, 329, 8) : 0
  const minor = hasDeviceFields(block) ? parseNumber(block, 337, 8) : 0
  return {
    name: readName(block),
    linkName: byteStringUpToNul(block, 157, 257),
    type,
    mode: requireUnsigned('mode', parseNumber(block, 100, 8)),
    uid: parseNumber(block, 108, 8),
    gid: parseNumber(block, 116, 8),
    sizeBytes: requireUnsigned('size', parseNumber(block, 124, 12)),
    modified: { seconds: parseNumber(block, 136, 12), nanoseconds: 0 },
    devMajor: major,
    devMinor: minor,
  }
}

/**
 * A number field: octal digits between spaces and NULs, or a big-endian number of base 256 where
 * the first bit is set.
 *
 * @throws  INVALID_ARGUMENT for anything else, and for what a double cannot hold exactly
 */
export function parseNumber(block: Buffer, offset: number, length: number): number {
  const end = offset + length
  const first = block[offset] ?? 0
  if ((first & 0x80) !== 0) return parseBase256(block, offset, end)
  let start = offset
  while (start < end && isPadding(block[start])) start += 1
  let value = 0
  let index = start
  for (; index < end; index += 1) {
    const digit = (block[index] ?? 0) - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  // Up to the first NUL only spaces may follow; what stands behind the NUL is nobody's.
  for (; index < end && block[index] !== 0; index += 1) {
    if (block[index] !== 0x20) throw archiveError('damaged header: not an octal number')
  }
  return value
}

function parseBase256(block: Buffer, offset: number, end: number): number {
  const first = block[offset] ?? 0
  const isNegative = (first & 0x40) !== 0
  let value = BigInt(first & 0x3f)
  for (let index = offset + 1; index < end; index += 1) {
    value = (value << 8n) | BigInt(block[index] ?? 0)
  }
  if (isNegative) value -= 1n << BigInt((end - offset) * 8 - 2)
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw archiveError('damaged header: number is too large')
  return number
}

function requireUnsigned(field: string, value: number): number {
  if (value < 0) throw archiveError(`damaged header: ${field} is negative`)
  return value
}

/** Only ustar's prefix is part of the name: GNU tar keeps times and sparse maps there. */
function readName(block: Buffer): ByteString {
  const name = byteStringUpToNul(block, 0, 100)
  if (!isUstar(block)) return name
  const isStar = block.toString('latin1', 508, 512) === 'tar\0'
  const prefix = byteStringUpToNul(block, 345, isStar ? 476 : 500)
  return prefix === '' ? name : (`${prefix}/${name}` as ByteString)
}

function isUstar(block: Buffer): boolean {
  return block.toString('latin1', 257, 263) === 'ustar\0'
}

function hasDeviceFields(block: Buffer): boolean {
  return block.toString('latin1', 257, 262) === 'ustar'
}

/** Old writers summed signed chars. The checksum's own field counts as spaces. */
function hasValidChecksum(block: Buffer): boolean {
  let unsigned = 8 * 0x20
  let highBytes = 0
  for (let index = 0; index < blockBytes; index += 1) {
    if (index === 148) index = 156
    const byte = block[index] ?? 0
    unsigned += byte
    if (byte >= 0x80) highBytes += 1
  }
  if (unsigned === 8 * 0x20) return false
  const stored = parseChecksum(block)
  return stored === unsigned || stored === unsigned - 256 * highBytes
}

function parseChecksum(block: Buffer): number {
  let value = 0
  for (let index = 148; index < 156; index += 1) {
    const digit = (block[index] ?? 0) - 0x30
    if (digit >= 0 && digit <= 7) value = value * 8 + digit
    else if (value > 0) break
    else if (!isPadding(block[index])) return -1
  }
  return value
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

function isPadding(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0
}
