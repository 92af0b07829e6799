import { zoneName } from './zone-name.ts'

/**
 * A moment in local time as docker writes it: `2006-01-02 15:04:05 -0700 MST`.
 *
 * Source: docker ps, field .CreatedAt
 */
export function localTime(time: Date): string {
  const offset = -time.getTimezoneOffset()
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  const size = Math.abs(offset)
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
  return `${date} ${clock} ${zone} ${zoneName(time) ?? numericName(zone)}`
}

/** What tzdata calls zones without letters of their own: `+03`, `+0530`. */
function numericName(zone: string): string {
  return zone === '+0000' ? 'UTC' : zone.replace(/00$/, '')
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0')
}
