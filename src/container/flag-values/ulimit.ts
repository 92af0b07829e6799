import { TsctrError } from '../../errors.ts'
import type { Ulimit } from '../config.ts'
import { rlimitNames } from '../spec/rlimits.ts'

/**
 * `NAME=SOFT[:HARD]`; -1 or `unlimited` for no limit.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --ulimit
 */
export function parseUlimit(text: string): Ulimit {
  const [name = '', value = ''] = text.split(/=(.*)/s)
  if (!rlimitNames.includes(name)) {
    throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no limit of that name`, {
      hint: `one of ${rlimitNames.join(', ')}`,
    })
  }
  const [soft, hard = soft, ...surplus] = value.split(':').map(limitValue)
  if (soft === undefined || hard === undefined || surplus.length > 0) {
    const message = `${JSON.stringify(text)}: must be NAME=SOFT or NAME=SOFT:HARD, whole numbers`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  const isOrdered = hard === -1 || (soft !== -1 && soft <= hard)
  if (isOrdered) return { name, soft, hard }
  const message = `${JSON.stringify(text)}: the soft limit is above the hard one`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

function limitValue(text: string): number | undefined {
  if (text === '-1' || text === 'unlimited') return -1
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
