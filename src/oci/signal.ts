import { constants } from 'node:os'
import { TsctrError } from '../errors.ts'

export interface Signal {
  /** `SIGTERM`, `SIGRTMIN+3` */
  readonly name: string
  readonly number: number
}

// Source: signal(7); glibc keeps 32 and 33 for itself, so the first a program can use is 34.
const firstRealtime = 34
const lastRealtime = 64

/**
 * Read a signal as a user or an image writes it: `TERM`, `sigterm`, `15`, `RTMIN+3`, `RTMAX-1`.
 *
 * @throws  INVALID_ARGUMENT
 */
export function parseSignal(text: string): Signal {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : numberOf(text)
  if (number === undefined || number < 1 || number > lastRealtime) {
    throw new TsctrError('INVALID_ARGUMENT', `signal ${JSON.stringify(text)}: no such signal`)
  }
  return { name: nameOf(number), number }
}

function numberOf(text: string): number | undefined {
  const name = text.toUpperCase().replace(/^SIG/, '')
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (realtime !== null) {
    const [, end, sign, offset = '0'] = realtime
    const base = end === 'MIN' ? firstRealtime : lastRealtime
    const value = sign === '-' ? base - Number(offset) : base + Number(offset)
    return value >= firstRealtime ? value : undefined
  }
  return new Map(Object.entries(constants.signals)).get(`SIG${name}`)
}

function nameOf(number: number): string {
  // Several names can share a number (SIGIO, SIGPOLL): the first is the usual one.
  for (const [name, value] of Object.entries(constants.signals)) {
    if (value === number) return name
  }
  if (number === firstRealtime) return 'SIGRTMIN'
  return number > firstRealtime ? `SIGRTMIN+${number - firstRealtime}` : String(number)
}
