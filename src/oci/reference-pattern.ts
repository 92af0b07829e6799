import { TsctrError } from '../errors.ts'
import {
  canonicalName,
  familiarName,
  familiarRepository,
  type Reference,
  repositoryName,
} from './reference.ts'

/**
 * Read a pattern of references: `redis` (any tag), `redis:7*`, `ghcr.io/me/*`. It is held against
 * the name as docker shows it and the whole name, each with and without its tag.
 *
 * @throws  INVALID_ARGUMENT for a pattern that does not end a class or an escape
 * Source: distribution/reference FamiliarMatch; Go path.Match
 */
export function parseReferencePattern(pattern: string): (reference: Reference) => boolean {
  const form = new RegExp(`^${expressionOf(pattern)}$`, 'su')
  return (reference) =>
    [familiarName, familiarRepository, canonicalName, repositoryName].some((name) =>
      form.test(name(reference)),
    )
}

// `*` and `?` do not cross a slash; `[a-z]`, `[^a-z]`; a backslash takes the next as it is.
const piece =
  /\\(?<escaped>.)|(?<wild>[*?])|\[(?<negated>\^?)(?<set>(?:\\.|[^\]\\])+)\]|(?<plain>[^\\[])/suy

function expressionOf(pattern: string): string {
  let expression = ''
  piece.lastIndex = 0
  while (piece.lastIndex < pattern.length) {
    const groups = piece.exec(pattern)?.groups
    if (groups === undefined) {
      throw new TsctrError('INVALID_ARGUMENT', `pattern ${JSON.stringify(pattern)}: is malformed`)
    }
    const { escaped, wild, negated, set, plain } = groups
    if (wild !== undefined) expression += wild === '*' ? '[^/]*' : '[^/]'
    else if (set !== undefined) expression += `[${negated}${classOf(set, pattern)}]`
    else expression += RegExp.escape(escaped ?? plain ?? '')
  }
  return expression
}

/** A class's characters and ranges, each character escaped. */
function classOf(set: string, pattern: string): string {
  const members = [...set.matchAll(/(\\?.)(?:-(\\?[^\\]|\\.))?/gsu)].map(([, from = '', to]) => {
    const [low, high] = [unescaped(from), to === undefined ? undefined : unescaped(to)]
    if (high !== undefined && high < low) {
      throw new TsctrError('INVALID_ARGUMENT', `pattern ${JSON.stringify(pattern)}: is malformed`)
    }
    return high === undefined ? RegExp.escape(low) : `${RegExp.escape(low)}-${RegExp.escape(high)}`
  })
  return members.join('')
}

function unescaped(text: string): string {
  return text.length > 1 && text.startsWith('\\') ? text.slice(1) : text
}
