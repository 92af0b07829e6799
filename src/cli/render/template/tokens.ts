import { unquoteChar, unquoteString } from './go-quote.ts'
import { parseError } from './template-error.ts'

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'field'
  | 'dot'
  | 'variable'
  | 'identifier'
  | 'literal'
  | '|'
  | ':='
  | '='
  | ','
  | '('
  | ')'
  | 'eof'

export interface Token {
  readonly kind: TokenKind
  /** As written; a text token's is already trimmed by its neighbours' `{{-` and `-}}`. */
  readonly text: string
  readonly value?: string | number | undefined
  readonly start: number
  readonly end: number
  /** Whether white space stands before it: `.A .B` are two operands, `.A.B` is one. */
  readonly isSpaced: boolean
}

/**
 * Cut a template's text into tokens; comments are dropped. The last token is `eof`.
 *
 * @throws INVALID_ARGUMENT for an unclosed action, quote or comment, or a stray character
 * Source: Go text/template, "Text and spaces", "Actions", "Arguments"
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let offset = 0
  let isTrimmed = false
  while (offset < text.length) {
    const open = text.indexOf('{{', offset)
    const textEnd = open === -1 ? text.length : open
    const trimsBefore = open !== -1 && /^-\s/.test(text.slice(open + 2, open + 4))
    let literal = text.slice(offset, textEnd)
    if (isTrimmed) literal = literal.trimStart()
    if (trimsBefore) literal = literal.trimEnd()
    if (literal !== '') tokens.push(token('text', literal, offset, textEnd))
    if (open === -1) break
    const action = readAction(text, open, trimsBefore ? open + 3 : open + 2)
    tokens.push(...action.tokens)
    offset = action.end
    isTrimmed = action.trimsAfter
  }
  tokens.push(token('eof', '', text.length, text.length))
  return tokens
}

interface Action {
  readonly tokens: readonly Token[]
  readonly end: number
  readonly trimsAfter: boolean
}

function readAction(text: string, open: number, contentStart: number): Action {
  const comment = /^\s*\/\*/.exec(text.slice(contentStart))
  if (comment !== null) return readComment(text, open, contentStart + comment[0].length)
  const tokens = [token('open', '{{', open, open + 2)]
  let offset = contentStart
  let parens = 0
  for (;;) {
    const spaces = /^\s*/.exec(text.slice(offset))?.[0].length ?? 0
    offset += spaces
    const trimsAfter = spaces > 0 && text.startsWith('-}}', offset)
    if (trimsAfter || text.startsWith('}}', offset)) {
      if (parens > 0) throw parseError(text, offset, 'unclosed left paren')
      const end = offset + (trimsAfter ? 3 : 2)
      tokens.push(token('close', '}}', offset, end, spaces > 0))
      return { tokens, end, trimsAfter }
    }
    if (offset >= text.length) throw parseError(text, open, 'unclosed action')
    const next = readToken(text, offset, spaces > 0)
    if (next.kind === '(') parens++
    if (next.kind === ')' && --parens < 0) throw parseError(text, offset, 'unexpected right paren')
    tokens.push(next)
    offset = next.end
  }
}

function readComment(text: string, open: number, from: number): Action {
  const close = text.indexOf('*/', from)
  if (close === -1) throw parseError(text, open, 'unclosed comment')
  const tail = /^(\s-)?}}/.exec(text.slice(close + 2))
  if (tail === null) throw parseError(text, open, 'comment ends before closing delimiter')
  return { tokens: [], end: close + 2 + tail[0].length, trimsAfter: tail[1] !== undefined }
}

const word = '[\\p{L}\\p{N}_]'
/** In the order they are tried. Each must match at the start of what is left. */
const patterns: ReadonlyArray<readonly [TokenKind, RegExp]> = [
  ['literal', /^[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+)(?![\p{L}\p{N}_])/u],
  ['literal', /^[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/],
  ['field', new RegExp(`^\\.${word}+`, 'u')],
  ['dot', /^\./],
  ['variable', new RegExp(`^\\$${word}*`, 'u')],
  ['identifier', new RegExp(`^${word}+`, 'u')],
  [':=', /^:=/],
  ['=', /^=/],
  ['|', /^\|/],
  [',', /^,/],
  ['(', /^\(/],
  [')', /^\)/],
]

function readToken(text: string, start: number, isSpaced: boolean): Token {
  const rest = text.slice(start)
  const first = rest[0] ?? ''
  if (first === '"' || first === '`' || first === "'") return readQuoted(text, start, isSpaced)
  for (const [kind, pattern] of patterns) {
    const match = pattern.exec(rest)?.[0]
    if (match === undefined) continue
    const end = start + match.length
    checkEnd(text, start, end, kind)
    const value = kind === 'literal' ? numberOf(match) : undefined
    if (Number.isNaN(value)) throw parseError(text, start, `bad number syntax: "${match}"`)
    return token(kind, match, start, end, isSpaced, value)
  }
  throw parseError(
    text,
    start,
    `unexpected "${String.fromCodePoint(text.codePointAt(start) ?? 0)}" in command`,
  )
}

/** A word ends where something that cannot continue it stands: `.Name}` and `3x` are mistakes. */
function checkEnd(text: string, start: number, end: number, kind: TokenKind): void {
  if (kind !== 'field' && kind !== 'variable' && kind !== 'identifier' && kind !== 'literal') return
  if (end >= text.length || text.startsWith('}}', end) || /[\s.,|:=()]/.test(text[end] ?? ''))
    return
  const stray = text.codePointAt(end) ?? 0
  if (kind === 'literal') {
    throw parseError(text, start, `bad number syntax: "${text.slice(start, end + 1)}"`)
  }
  const hex = stray.toString(16).toUpperCase().padStart(4, '0')
  throw parseError(text, start, `bad character U+${hex} '${String.fromCodePoint(stray)}'`)
}

function readQuoted(text: string, start: number, isSpaced: boolean): Token {
  const quote = text[start] ?? ''
  const pattern = {
    '"': /^"(?:[^"\\\n]|\\[^\n])*"/,
    "'": /^'(?:[^'\\\n]|\\[^\n])+'/,
    '`': /^`[^`]*`/,
  }[quote]
  const match = pattern?.exec(text.slice(start))?.[0]
  if (match === undefined) {
    const name = { '"': 'quoted string', "'": 'character constant', '`': 'raw quoted string' }[
      quote
    ]
    throw parseError(text, start, `unterminated ${name}`)
  }
  const inner = match.slice(1, -1)
  const value = quote === '`' ? inner : quote === '"' ? unquoteString(inner) : unquoteChar(inner)
  if (value === undefined) throw parseError(text, start, `invalid syntax: ${match}`)
  return token('literal', match, start, start + match.length, isSpaced, value)
}

function numberOf(text: string): number {
  const digits = text.replaceAll('_', '')
  const sign = digits.startsWith('-') ? -1 : 1
  return sign * Number(digits.replace(/^[+-]/, '').replace(/^0(?=\d+$)/, '0o'))
}

function token(
  kind: TokenKind,
  text: string,
  start: number,
  end: number,
  isSpaced = false,
  value?: string | number,
): Token {
  return { kind, text, start, end, isSpaced, value }
}
