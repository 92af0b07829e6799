import { TsctrError } from '../../errors.ts'

/**
 * Environment entries with their values: `NAME` alone takes the caller's, or falls away if the
 * caller has none.
 *
 * @param entries  `NAME=value` or `NAME`, in order
 */
export function resolveEnv(entries: readonly string[], caller: NodeJS.ProcessEnv): string[] {
  return entries.flatMap((entry) => {
    if (entry.includes('=')) return [entry]
    const value = caller[entry]
    return value === undefined ? [] : [`${entry}=${value}`]
  })
}

/** Labels or annotations from `name=value` or `name`; later ones win; no name is special. */
export function keyValues(entries: readonly string[]): Record<string, string> {
  const pairs = entries.map((entry) => {
    const [name = '', value = ''] = entry.split(/=(.*)/s)
    return [name, value] as const
  })
  return Object.fromEntries(pairs)
}

/** `name=value` or `name`. @throws INVALID_ARGUMENT */
export function parseKeyValue(text: string): string {
  if (text !== '' && !text.startsWith('=')) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be NAME=VALUE`)
}
