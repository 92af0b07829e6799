const unitsNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/**
 * Nanoseconds of `1m30s`, `-1.5h`, `0`.
 *
 * @returns  undefined if it is no span of time
 * Source: Go time.ParseDuration
 */
export function parseGoDuration(text: string): number | undefined {
  const [, sign = '', span = ''] = /^([+-]?)(.*)$/.exec(text) ?? []
  if (span === '0') return 0
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g
  if (span === '' || span.replaceAll(part, '') !== '') return undefined
  const ns = [...span.matchAll(part)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (unitsNs[unit] ?? 0),
    0,
  )
  if (ns > Number.MAX_SAFE_INTEGER) return undefined
  return (sign === '-' ? -1 : 1) * Math.round(ns)
}

/** `1m30s`, `100ms`, `0s`. Source: Go Duration.String */
export function formatGoDuration(ns: number): string {
  if (ns < 1e3) return ns === 0 ? '0s' : `${ns}ns`
  if (ns < 1e6) return `${ns / 1e3}µs`
  if (ns < 1e9) return `${ns / 1e6}ms`
  const minutes = Math.floor(ns / 60e9)
  const seconds = `${(ns - minutes * 60e9) / 1e9}s`
  if (minutes === 0) return seconds
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${minutes}m${seconds}` : `${hours}h${minutes % 60}m${seconds}`
}
