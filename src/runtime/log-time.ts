/**
 * Nanoseconds since the epoch of an RFC 3339 time with up to nine digits of a second.
 *
 * @returns  undefined if it is not of this form
 * Source: RFC 3339 §5.6
 */
export function parseRfc3339Ns(text: string): bigint | undefined {
  const match =
    /^(\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})$/.exec(
      text,
    )
  if (match === null) return undefined
  const [, seconds = '', fraction = '', zone = ''] = match
  const milliseconds = Date.parse(`${seconds.replace(' ', 'T')}${zone}`)
  if (Number.isNaN(milliseconds)) return undefined
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** RFC 3339 in UTC with always nine digits, so that columns line up. Source: docker logs -t */
export function formatRfc3339Ns(timeNs: bigint): string {
  const second = 1_000_000_000n
  const fraction = ((timeNs % second) + second) % second
  const whole = new Date(Number((timeNs - fraction) / 1_000_000n)).toISOString().slice(0, 19)
  return `${whole}.${fraction.toString().padStart(9, '0')}Z`
}
