import { TsctrError } from '../../errors.ts'

/**
 * Environment entries with their values: `NAME` alone takes the caller's. If the caller has none,
 * one of a file falls away, and one of a flag stays `NAME`: the image's is taken out then.
 *
 * @param entries  `NAME=value` or `NAME`, in order; flags come after files
 * Source: docker run -e
 */
export function resolveEnv(
  entries: { readonly files: readonly string[]; readonly flags: readonly string[] },
  caller: NodeJS.ProcessEnv,
): string[] {
  const resolve = (entry: string): string => {
    const value = entry.includes('=') ? undefined : caller[entry]
    return value === undefined ? entry : `${entry}=${value}`
  }
  return [
    ...entries.files.map(resolve).filter((entry) => entry.includes('=')),
    ...entries.flags.map(resolve),
  ]
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
