import type { ByteReader } from './byte-reader.ts'
import { archiveError } from './layer-error.ts'
import type { PaxRecord } from './pax.ts'
import { paxNumber } from './pax.ts'
import { blockBytes, parseNumber } from './tar-header.ts'

/** A file with holes: where the bytes of the entry's body belong. */
export interface SparseMap {
  /** Ascending, not overlapping; their lengths add up to the body's. */
  readonly regions: readonly SparseRegion[]
  /** Size of the file, holes included. */
  readonly realSizeBytes: number
}

export interface SparseRegion {
  readonly offset: number
  readonly length: number
}

const maxMapBytes = 1024 * 1024
const regionBytes = 24

/**
 * The map of a GNU `S` entry: four regions in the header, more in blocks that follow it.
 *
 * Source: GNU tar manual "Storing Sparse Files", Old GNU Format
 */
export function readOldGnuSparseMap(
  header: Buffer,
  reader: ByteReader,
  packedBytes: number,
): SparseMap {
  const realSizeBytes = parseNumber(header, 483, 12)
  const regions = readRegions(header, 386, 4)
  let hasMore = header[482] !== 0
  while (hasMore) {
    const block = reader.take(blockBytes)
    regions.push(...readRegions(block, 0, 21))
    hasMore = block[504] !== 0
    if (regions.length * regionBytes > maxMapBytes) throw mapTooLong()
  }
  return checkMap({ regions, realSizeBytes }, packedBytes)
}

/**
 * The map of a file in one of GNU's three PAX forms; 1.0 keeps it in front of the body.
 *
 * @param records      the entry's extended header, in order
 * @param packedBytes  what the archive holds for the entry
 * @returns            undefined where the file is not sparse; else the map and how much of the
 *                     body is left after it
 * Source: GNU tar manual "Storing Sparse Files", PAX Format
 */
export function readPaxSparseMap(
  records: readonly PaxRecord[],
  reader: ByteReader,
  packedBytes: number,
): { readonly map: SparseMap; readonly bodyBytes: number } | undefined {
  const last = new Map<string, PaxRecord>(records.map((record) => [record.key, record]))
  const realSize = last.get('GNU.sparse.realsize') ?? last.get('GNU.sparse.size')
  if (realSize === undefined) return undefined
  const realSizeBytes = paxNumber(realSize)
  if (last.get('GNU.sparse.major')?.value.toString('latin1') === '1') {
    const { numbers, mapBytes } = readLeadingMap(reader, packedBytes)
    const bodyBytes = packedBytes - mapBytes
    return { map: checkMap({ regions: pairUp(numbers), realSizeBytes }, bodyBytes), bodyBytes }
  }
  const list = last.get('GNU.sparse.map')
  const numbers = list === undefined ? listedRegions(records) : parseList(list)
  const map = checkMap({ regions: pairUp(numbers), realSizeBytes }, packedBytes)
  return { map, bodyBytes: packedBytes }
}

function readRegions(block: Buffer, offset: number, count: number): SparseRegion[] {
  const regions: SparseRegion[] = []
  for (let index = 0; index < count; index += 1) {
    const start = offset + index * regionBytes
    // An unused slot is all NUL and ends the list.
    if (block[start] === 0) break
    regions.push({
      offset: parseNumber(block, start, 12),
      length: parseNumber(block, start + 12, 12),
    })
  }
  return regions
}

/** Form 0.0: a GNU.sparse.offset and a GNU.sparse.numbytes for each region. */
function listedRegions(records: readonly PaxRecord[]): number[] {
  const numbers: number[] = []
  for (const record of records) {
    const slot = ['GNU.sparse.offset', 'GNU.sparse.numbytes'].indexOf(record.key)
    if (slot < 0) continue
    if (numbers.length % 2 !== slot) throw archiveError('damaged sparse map: out of order')
    numbers.push(paxNumber(record))
  }
  return numbers
}

/** Form 0.1: `offset,length,offset,length…` */
function parseList(record: PaxRecord): number[] {
  const text = record.value.toString('latin1')
  return text === '' ? [] : text.split(',').map(parseDecimal)
}

/** Form 1.0: count, then offset and length of each, a line each, padded to a whole block. */
function readLeadingMap(
  reader: ByteReader,
  packedBytes: number,
): { numbers: number[]; mapBytes: number } {
  const numbers: number[] = []
  let text = ''
  let mapBytes = 0
  let wanted = 1
  while (numbers.length < wanted) {
    if (mapBytes + blockBytes > packedBytes) throw archiveError('damaged sparse map: cut off')
    // A number never fills a block: more than that without a newline is none.
    if (mapBytes > maxMapBytes || text.length > blockBytes) throw mapTooLong()
    text += reader.take(blockBytes).toString('latin1')
    mapBytes += blockBytes
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (numbers.length === wanted) break
      numbers.push(parseDecimal(line))
      if (numbers.length === 1) wanted = 1 + 2 * parseDecimal(line)
    }
  }
  return { numbers: numbers.slice(1), mapBytes }
}

function parseDecimal(text: string): number {
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw archiveError('damaged sparse map: not a number')
  }
  return value
}

function pairUp(numbers: readonly number[]): SparseRegion[] {
  if (numbers.length % 2 !== 0) throw archiveError('damaged sparse map: offset without length')
  const regions: SparseRegion[] = []
  for (let index = 0; index < numbers.length; index += 2) {
    regions.push({ offset: numbers[index] ?? 0, length: numbers[index + 1] ?? 0 })
  }
  return regions
}

function checkMap(map: SparseMap, packedBytes: number): SparseMap {
  let position = 0
  let total = 0
  for (const { offset, length } of map.regions) {
    if (offset < position || length < 0) throw archiveError('damaged sparse map: regions overlap')
    position = offset + length
    total += length
  }
  if (position > map.realSizeBytes || map.realSizeBytes < 0) {
    throw archiveError('damaged sparse map: region outside the file')
  }
  if (total !== packedBytes) throw archiveError('damaged sparse map: does not fit the data')
  return map
}

function mapTooLong(): Error {
  return archiveError('damaged sparse map: too long')
}
