import { type ByteString, byteStringOf } from './byte-string.ts'
import { archiveError } from './layer-error.ts'
import type { Timestamp } from './tar-header.ts'

/** One `key=value` of an extended header, in the order of the archive. */
export interface PaxRecord {
  readonly key: ByteString
  readonly value: Buffer
}

/**
 * Parse the body of an extended header: lines of `<length> <key>=<value>\n`.
 *
 * @throws  INVALID_ARGUMENT for a length that does not lead to a newline, a record without `=` or
 *          without a key
 * Source: POSIX.1-2017 pax "pax Extended Header"
 */
export function parsePaxRecords(body: Buffer): PaxRecord[] {
  const records: PaxRecord[] = []
  let start = 0
  while (start < body.length) {
    const space = body.indexOf(0x20, start)
    const digits = space < 0 ? '' : body.toString('latin1', start, Math.min(space, start + 10))
    const end = start + Number(digits)
    const equals = body.indexOf(0x3d, space)
    if (!/^\d{1,9}$/.test(digits) || end > body.length || body[end - 1] !== 0x0a) {
      throw archiveError('damaged extended header: record length is wrong')
    }
    if (equals <= space + 1 || equals >= end - 1) {
      throw archiveError('damaged extended header: record is not key=value')
    }
    const key = byteStringOf(body.subarray(space + 1, equals))
    if (key.includes('\0')) throw archiveError('damaged extended header: NUL in a key')
    records.push({ key, value: Buffer.from(body.subarray(equals + 1, end - 1)) })
    start = end
  }
  return records
}

/** A name or link target. @throws INVALID_ARGUMENT if it holds a NUL: the kernel would cut it there */
export function paxName(record: PaxRecord): ByteString {
  if (record.value.includes(0)) {
    throw archiveError(`damaged extended header: NUL in ${record.key}`)
  }
  return byteStringOf(record.value)
}

/** @throws INVALID_ARGUMENT unless it is a whole number that a double holds exactly */
export function paxNumber(record: PaxRecord): number {
  const text = record.value.toString('latin1')
  const value = Number(text)
  if (!/^-?\d{1,20}$/.test(text) || !Number.isSafeInteger(value)) {
    throw archiveError(`damaged extended header: ${record.key} is not a number in range`)
  }
  return value
}

/** `<seconds>[.<fraction>]`; digits beyond nanoseconds are cut. */
export function paxTimestamp(record: PaxRecord): Timestamp {
  const match = /^(-?)(\d{1,20})(?:\.(\d*))?$/.exec(record.value.toString('latin1'))
  if (match === null) {
    throw archiveError(`damaged extended header: ${record.key} is not a time`)
  }
  const [, sign, whole = '0', fraction = ''] = match
  const seconds = Number(whole)
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (sign !== '-') return { seconds, nanoseconds }
  return nanoseconds === 0
    ? { seconds: -seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds }
}
