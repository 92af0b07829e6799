/**
 * A time span in docker's words: `2 minutes`, `About an hour`, `3 weeks`.
 *
 * @param milliseconds  below zero (a clock that was set back) counts as none
 * Source: docker ps, columns CREATED and STATUS
 */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  const minutes = Math.floor(milliseconds / 60_000)
  const wholeHours = Math.floor(milliseconds / 3_600_000)
  // Hours alone are rounded to the nearest; all larger units build on them, except years.
  const hours = Math.floor(milliseconds / 3_600_000 + 0.5)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 14) return `${Math.floor(hours / 24)} days`
  if (hours < 24 * 60) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`
  return `${Math.floor(wholeHours / 24 / 365)} years`
}

/** `2 minutes ago`, as in the column CREATED. */
export function humanAge(since: Date, now: Date): string {
  return `${humanDuration(now.getTime() - since.getTime())} ago`
}
