import { zoneName } from './zone-name.ts'

/**
 * A moment in local time as docker writes it: `2006-01-02 15:04:05 -0700 MST`.
 *
 * Source: docker ps, field .CreatedAt
 */
export function localTime(time: Date): string {
  const offset = -time.getTimezoneOffset()
  const size = Math.abs(offset)
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
  return `${dateOf(time)} ${clockOf(time)} ${zone} ${zoneName(time) ?? numericName(zone)}`
}

/**
 * A moment in local time as docker's `events` writes it: `2006-01-02T15:04:05.000000000-07:00`.
 *
 * @param timeUs  microseconds since the epoch
 */
export function localRfc3339(timeUs: number): string {
  const time = new Date(timeUs / 1000)
  const offset = -time.getTimezoneOffset()
  const size = Math.abs(offset)
  const zone = `${offset < 0 ? '-' : '+'}${two(size / 60)}:${two(size % 60)}`
  const fraction = String(((timeUs % 1e6) + 1e6) % 1e6).padStart(6, '0')
  return `${dateOf(time)}T${clockOf(time)}.${fraction}000${offset === 0 ? 'Z' : zone}`
}

/** What tzdata calls zones without letters of their own: `+03`, `+0530`. */
function numericName(zone: string): string {
  return zone === '+0000' ? 'UTC' : zone.replace(/00$/, '')
}

function dateOf(time: Date): string {
  return [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
}

function clockOf(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0')
}
