import { TsctrError } from '../errors.ts'

const unitsMs: Readonly<Record<string, number>> = {
  w: 7 * 24 * 3_600_000,
  d: 24 * 3_600_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
}

/**
 * Milliseconds of a span as people keep images: `7d`, `2w`, `1d12h`, `90m`.
 *
 * @throws  INVALID_ARGUMENT
 */
export function parseSpanMs(text: string): number {
  const part = /(\d+(?:\.\d+)?)([wdhms])/g
  if (!/^(?:\d+(?:\.\d+)?[wdhms])+$/.test(text)) {
    throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a time span`, {
      hint: 'such as 7d, 2w or 36h',
    })
  }
  return [...text.matchAll(part)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (unitsMs[unit] ?? 0),
    0,
  )
}
