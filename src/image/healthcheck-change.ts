import { TsctrError } from '../errors.ts'
import { parseGoDuration } from '../oci/go-duration.ts'

/** A HEALTHCHECK instruction, taken apart. */
export interface HealthcheckChange {
  readonly kind: 'CMD' | 'NONE'
  /** After CMD: a JSON list or a line for a shell. */
  readonly text: string
  /** Fields of the config's Healthcheck; times in nanoseconds. */
  readonly flags: Readonly<Record<string, number>>
}

const fields: Readonly<Record<string, string>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
  retries: 'Retries',
}

/** Docker takes no shorter time for one. */
const minNs = 1_000_000

/**
 * @param text  what follows HEALTHCHECK
 * @throws      INVALID_ARGUMENT
 * Source: Dockerfile reference "HEALTHCHECK"
 */
export function healthcheckOf(text: string): HealthcheckChange {
  const flags: Record<string, number> = {}
  let rest = text
  for (;;) {
    const match = /^--([\w-]+)=(\S*)\s*([\s\S]*)$/.exec(rest)
    if (match === null) break
    const [, name = '', value = '', after = ''] = match
    const field = fields[name]
    if (field === undefined) {
      throw invalid(`--${name}`, 'no such flag of HEALTHCHECK')
    }
    flags[field] = name === 'retries' ? parseRetries(value) : parseTime(`--${name}`, value)
    rest = after
  }
  const [, kind = '', command = ''] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? []
  switch (kind.toUpperCase()) {
    case 'NONE':
      if (command !== '' || Object.keys(flags).length > 0) {
        throw invalid(text, 'HEALTHCHECK NONE takes nothing else')
      }
      return { kind: 'NONE', text: '', flags }
    case 'CMD':
      if (command === '') throw invalid(text, 'HEALTHCHECK CMD needs a program')
      return { kind: 'CMD', text: command, flags }
    default:
      throw invalid(text, 'HEALTHCHECK needs CMD or NONE')
  }
}

function parseRetries(text: string): number {
  const retries = Number(text)
  if (/^\d+$/.test(text) && retries >= 1 && retries <= 0x7fffffff) return retries
  throw invalid(`--retries=${text}`, 'must be a whole number of at least 1')
}

function parseTime(flag: string, text: string): number {
  const ns = parseGoDuration(text)
  if (ns !== undefined && ns >= minNs) return ns
  throw invalid(`${flag}=${text}`, 'must be a time of at least 1ms, such as 30s or 1m30s')
}

function invalid(text: string, problem: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`)
}
