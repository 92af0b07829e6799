import { TsctrError } from '../../errors.ts'

/**
 * A parser for whole numbers within bounds, both included.
 *
 * @throws  INVALID_ARGUMENT
 */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^[+-]?\d+$/.test(text) && value >= min && value <= max) return value
    const bound = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
    const message = `${JSON.stringify(text)}: not a whole number ${bound}`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
}

/**
 * Billionths of a CPU from `1.5`.
 *
 * @throws  INVALID_ARGUMENT
 */
export function parseCpus(text: string): number {
  const nanoCpus = /^\d*\.?\d+$/.test(text) ? Math.round(Number(text) * 1e9) : 0
  // The kernel's shortest quota is a hundredth of the usual period.
  if (nanoCpus >= 1e7 && Number.isSafeInteger(nanoCpus)) return nanoCpus
  const message = `${JSON.stringify(text)}: not a number of CPUs of at least 0.01`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

/** Octal permission bits. @throws INVALID_ARGUMENT */
export function parseUmask(text: string): number {
  if (/^[0-7]{1,4}$/.test(text) && Number.parseInt(text, 8) <= 0o777)
    return Number.parseInt(text, 8)
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not an octal mask like 0022`)
}

/** A list of CPUs or memory nodes: `0-2,4`. @throws INVALID_ARGUMENT */
export function parseCpuset(text: string): string {
  if (/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a list like 0-2,4`)
}
