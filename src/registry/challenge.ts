/** One way of authentication that a server offers. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

const maxHeaderLength = 8192
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const schemeForm = new RegExp(`\\s*(${token})(?=[\\s,]|$)`, 'y')
const parameterForm = new RegExp(
  `\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]*))`,
  'y',
)
const commaForm = /\s*,/y

/**
 * Read a `WWW-Authenticate` header, which may hold several challenges, separated by the same commas
 * as their parameters.
 *
 * @returns  the challenges up to the first thing that is none; none for an absurdly long header
 * Source: RFC 9110 §11.6.1
 */
export function parseChallenges(header: string | null): Challenge[] {
  const challenges: Challenge[] = []
  if (header === null || header.length > maxHeaderLength) return challenges
  let position = 0
  const take = (form: RegExp): RegExpExecArray | null => {
    form.lastIndex = position
    const match = form.exec(header)
    if (match !== null) position = form.lastIndex
    return match
  }
  while (position < header.length) {
    const scheme = take(schemeForm)?.[1]
    if (scheme === undefined) return challenges
    const parameters = new Map<string, string>()
    for (let match = take(parameterForm); match !== null; match = take(parameterForm)) {
      const [, name = '', quoted, plain = ''] = match
      parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain)
      if (take(commaForm) === null) break
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters })
    take(commaForm)
  }
  return challenges
}
