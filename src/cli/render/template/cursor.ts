import { parseError } from './template-error.ts'
import type { Token } from './tokens.ts'

/** Where a parse stands. */
export interface Cursor {
  readonly text: string
  readonly functions: ReadonlySet<string>
  readonly tokens: readonly Token[]
  index: number
  /** Names in scope, inner ones last. */
  variables: string[]
  depth: number
  /** How many `range` surround this place within its template. */
  rangeDepth: number
}

export function peekToken(cursor: Cursor): Token {
  const token = cursor.tokens[cursor.index]
  if (token === undefined) throw new Error('bug: read past the end of a template')
  return token
}

/** Take the next token; the `eof` at the end may be taken again and again. */
export function nextToken(cursor: Cursor): Token {
  const token = peekToken(cursor)
  if (token.kind !== 'eof') cursor.index++
  return token
}

export function expectClose(cursor: Cursor, context: string): void {
  const token = nextToken(cursor)
  if (token.kind !== 'close') throw unexpected(cursor, token, context)
}

export function unexpected(cursor: Cursor, token: Token, context: string): Error {
  const shown =
    token.kind === 'dot' || token.kind === 'field' || token.kind === 'identifier'
      ? `<${token.text}>`
      : token.kind === 'close'
        ? 'end of action'
        : `"${token.text}"`
  return parseError(cursor.text, token.start, `unexpected ${shown} in ${context}`)
}

// Deeper than any format a person writes, and far from the end of the stack.
const maxDepth = 200

/** Enter a branch or a parenthesis; the caller leaves it with `cursor.depth--`. */
export function descend(cursor: Cursor, token: Token): void {
  if (++cursor.depth > maxDepth) throw parseError(cursor.text, token.start, 'nested too deeply')
}
