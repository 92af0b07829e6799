import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * The letters of the local time zone at a moment: `CET`, `CEST`, `UTC`. JavaScript knows offsets
 * only, and Intl says `GMT+2`, so this reads the zone file that Node itself took the zone from.
 *
 * @returns undefined if there is no readable zone file
 * Source: RFC 8536 (TZif)
 */
export function zoneName(time: Date): string | undefined {
  const path = zonePath(process.env.TZ)
  const zone = zones.get(path) ?? readZone(path)
  if (zone === undefined) return undefined
  zones.set(path, zone)
  const seconds = Math.floor(time.getTime() / 1000)
  const next = zone.transitions.findIndex((transition) => transition.at > seconds)
  if (next > 0) return zone.transitions[next - 1]?.name
  if (next === -1 && zone.rule !== undefined) return nameByRule(zone, time)
  return zone.transitions.at(next === -1 ? -1 : 0)?.name ?? zone.first
}

interface Zone {
  /** Oldest first. */
  readonly transitions: ReadonlyArray<{ readonly at: number; readonly name: string }>
  readonly first: string | undefined
  /** Names after the last transition; `summer` where the clock still changes. */
  readonly rule: { readonly standard: string; readonly summer: string | undefined } | undefined
  /** Offset east of UTC in seconds by name; of several, the latest. */
  readonly offsets: ReadonlyMap<string, number>
}

const zones = new Map<string, Zone>()

function zonePath(setting: string | undefined): string {
  const name = setting?.replace(/^:/, '')
  if (name === undefined) return '/etc/localtime'
  return resolve('/usr/share/zoneinfo', name === '' ? 'UTC' : name)
}

function nameByRule(zone: Zone, time: Date): string | undefined {
  if (zone.rule?.summer === undefined) return zone.rule?.standard
  const isSummer = zone.offsets.get(zone.rule.summer) === -time.getTimezoneOffset() * 60
  return isSummer ? zone.rule.summer : zone.rule.standard
}

function readZone(path: string): Zone | undefined {
  try {
    return parseZone(readFileSync(path))
  } catch {
    // No tzdata, or a file that is no zone: the offset stands in for the name.
    return undefined
  }
}

const headerBytes = 44

/** The 64-bit half of the file: header, times, their types, type records, names, …, footer. */
function parseZone(file: Buffer): Zone | undefined {
  if (file.toString('latin1', 0, 4) !== 'TZif' || (file[4] ?? 0) < 0x32) return undefined
  const old = readCounts(file, 0)
  const start = headerBytes + bodyBytes(old, 4)
  const counts = readCounts(file, start)
  const times = start + headerBytes
  const indexes = times + counts.times * 8
  const types = indexes + counts.times
  const names = types + counts.types * 6
  const typeAt = (index: number): { name: string; offset: number } => {
    const record = types + index * 6
    const nameStart = names + file.readUInt8(record + 5)
    return {
      name: file.toString('latin1', nameStart, file.indexOf(0, nameStart)),
      offset: file.readInt32BE(record),
    }
  }
  const allTypes = Array.from({ length: counts.types }, (_, index) => typeAt(index))
  const transitions = Array.from({ length: counts.times }, (_, index) => ({
    at: Number(file.readBigInt64BE(times + index * 8)),
    name: typeAt(file.readUInt8(indexes + index)).name,
  }))
  const footer = file.toString('latin1', start + headerBytes + bodyBytes(counts, 8)).trim()
  return {
    transitions,
    first: allTypes[0]?.name,
    rule: parseRule(footer),
    offsets: new Map(allTypes.map(({ name, offset }) => [name, offset])),
  }
}

interface Counts {
  readonly isUt: number
  readonly isStandard: number
  readonly leaps: number
  readonly times: number
  readonly types: number
  readonly nameBytes: number
}

function readCounts(file: Buffer, header: number): Counts {
  const at = (index: number): number => file.readUInt32BE(header + 20 + index * 4)
  return {
    isUt: at(0),
    isStandard: at(1),
    leaps: at(2),
    times: at(3),
    types: at(4),
    nameBytes: at(5),
  }
}

function bodyBytes(counts: Counts, timeBytes: 4 | 8): number {
  const { isUt, isStandard, leaps, times, types, nameBytes } = counts
  return (
    times * (timeBytes + 1) + types * 6 + nameBytes + leaps * (timeBytes + 4) + isStandard + isUt
  )
}

/** `CET-1CEST,M3.5.0,M10.5.0/3` or `<+03>-3`: names, of which the one in brackets is kept bare. */
function parseRule(footer: string): Zone['rule'] {
  const match = /^(<[^>]+>|[A-Za-z]+)[-+\d:]+(<[^>]+>|[A-Za-z]+)?/.exec(footer)
  if (match?.[1] === undefined) return undefined
  const bare = (name: string | undefined): string | undefined => name?.replace(/[<>]/g, '')
  return { standard: bare(match[1]) ?? '', summer: bare(match[2]) }
}
