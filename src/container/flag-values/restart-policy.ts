import { TsctrError } from '../../errors.ts'
import type { RestartPolicy } from '../config.ts'

const names = ['no', 'on-failure', 'always', 'unless-stopped'] as const

/**
 * `always`, `on-failure:3`; an empty text is `no`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --restart
 */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [word = '', count, ...rest] = text.split(':')
  const name = word === '' ? 'no' : names.find((each) => each === word)
  if (name === undefined || rest.length > 0) {
    throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no such restart policy`, {
      hint: 'no, on-failure[:max-retries], always or unless-stopped',
    })
  }
  if (count === undefined) return { name, maximumRetries: 0 }
  if (name !== 'on-failure') {
    const message = `${JSON.stringify(text)}: only on-failure takes a number of retries`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  if (!/^\d{1,9}$/.test(count)) {
    const message = `${JSON.stringify(text)}: ${JSON.stringify(count)} is not a number of retries`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  return { name, maximumRetries: Number(count) }
}
