import { TsctrError } from '../errors.ts'

/**
 * A point in time as docker's `--since` and `--until` take it: RFC 3339 with up to nine digits of a
 * second, `2006-01-02T15:04:05` or less of it, in the local zone without one; Unix seconds with up
 * to nine digits of a second; or a span of time before now, `1h30m`.
 *
 * @returns  nanoseconds since the epoch
 * @throws   INVALID_ARGUMENT
 * Source: docker logs --since; Go time.ParseDuration
 */
export function parseMoment(text: string, now: Date): bigint {
  const moment = unixNs(text) ?? beforeNs(text, now) ?? dateNs(text)
  if (moment !== undefined) return moment
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a time or time span`, {
    hint: 'such as 2006-01-02T15:04:05, 1136214245 or 10m',
  })
}

/** The value of `--filter until=`, as parseMoment reads it. @throws INVALID_ARGUMENT */
export function parseUntil(text: string): Date {
  return new Date(Number(parseMoment(text, new Date()) / 1_000_000n))
}

const second = 1_000_000_000n

function unixNs(text: string): bigint | undefined {
  const match = /^([+-]?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text)
  if (match === null) return undefined
  const [, sign, seconds = '', fraction = ''] = match
  const ns = BigInt(seconds) * second + BigInt(fraction.padEnd(9, '0'))
  return sign === '-' ? -ns : ns
}

const unitsNs: Readonly<Record<string, number>> = {
  h: 3_600e9,
  m: 60e9,
  s: 1e9,
  ms: 1e6,
  us: 1e3,
  µs: 1e3,
  ns: 1,
}

function beforeNs(text: string, now: Date): bigint | undefined {
  const number = String.raw`(?:\d+\.?\d*|\.\d+)`
  const unit = '(?:h|ms|m|s|us|µs|ns)'
  const match = new RegExp(`^([+-]?)((?:${number}${unit})+)$`).exec(text)
  if (match === null) return undefined
  const [, sign, parts = ''] = match
  let spanNs = 0
  for (const [, value, name = ''] of parts.matchAll(new RegExp(`(${number})(${unit})`, 'g'))) {
    spanNs += Number(value) * (unitsNs[name] ?? 0)
  }
  const span = BigInt(Math.round(spanNs))
  return BigInt(now.getTime()) * 1_000_000n - (sign === '-' ? -span : span)
}

const dateForm =
  /^(\d{4}-(\d{2})-(\d{2}))(?:T(\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d{2}:\d{2})?$/

function dateNs(text: string): bigint | undefined {
  const match = dateForm.exec(text)
  if (match === null) return undefined
  const [, date = '', month, day, hour = '00', minute = '00', seconds = '00', fraction = ''] = match
  // Date.parse takes the 31st of February for the 2nd of March.
  const midnight = new Date(`${date}T00:00:00Z`)
  const isReal =
    midnight.getUTCMonth() + 1 === Number(month) && midnight.getUTCDate() === Number(day)
  // Without a zone, a date with a time is local.
  const milliseconds = Date.parse(`${date}T${hour}:${minute}:${seconds}${match[8] ?? ''}`)
  if (!isReal || Number.isNaN(milliseconds)) return undefined
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
