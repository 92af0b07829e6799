import { TsctrError } from '../errors.ts'

/**
 * Take `KEY=VALUE` of a `--filter` apart; `KEY!=VALUE` has the key `KEY!`.
 *
 * @throws  INVALID_ARGUMENT without a key or a value
 */
export function splitFilter(text: string): { readonly key: string; readonly value: string } {
  const equals = text.indexOf('=')
  const key = text.slice(0, Math.max(equals, 0)).trim().toLowerCase()
  const value = text.slice(equals + 1).trim()
  if (key === '' || value === '') throw invalidFilter(text, 'must be KEY=VALUE')
  return { key, value }
}

export function invalidFilter(text: string, problem: string, hint?: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`, { hint })
}
