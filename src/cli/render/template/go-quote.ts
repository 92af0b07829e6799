/** Go's string literals, both ways. Source: Go spec "String literals", strconv.Quote */

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

const escapeSequence = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/gsu

/** The text a literal stands for, given what is between its quotes; undefined if it is malformed. */
export function unquoteString(inner: string): string | undefined {
  let isValid = true
  const text = inner.replace(escapeSequence, (_whole, x, u, U, octal, simple) => {
    const hex: string | undefined = x ?? u ?? U
    if (hex !== undefined || octal !== undefined) {
      const point = hex === undefined ? Number.parseInt(octal, 8) : Number.parseInt(hex, 16)
      isValid &&= point <= 0x10ffff
      return isValid ? String.fromCodePoint(point) : ''
    }
    const plain = Object.hasOwn(simpleEscapes, simple) ? simpleEscapes[simple] : undefined
    isValid &&= plain !== undefined
    return plain ?? ''
  })
  return isValid ? text : undefined
}

/** The code point of a character constant; undefined unless it is exactly one character. */
export function unquoteChar(inner: string): number | undefined {
  const characters = [...(unquoteString(inner) ?? '')]
  return characters.length === 1 ? characters[0]?.codePointAt(0) : undefined
}

/** `text` as a Go literal in the given quotes; only printable characters stay as they are. */
export function quoteGo(text: string, quote: '"' | "'" = '"'): string {
  // Most texts are plain, and a listing quotes one a line.
  if (/^[ -~]*$/.test(text) && !text.includes(quote) && !text.includes('\\')) {
    return `${quote}${text}${quote}`
  }
  const body = [...text].map((character) => {
    if (character === quote || character === '\\') return `\\${character}`
    const known = Object.entries(simpleEscapes).find(([, value]) => value === character)
    if (known !== undefined && character < ' ') return `\\${known[0]}`
    if (!/[\p{C}\p{Z}]/u.test(character) || character === ' ') return character
    const point = character.codePointAt(0) ?? 0
    if (point < 0x80) return `\\x${point.toString(16).padStart(2, '0')}`
    return point > 0xffff
      ? `\\U${point.toString(16).padStart(8, '0')}`
      : `\\u${point.toString(16).padStart(4, '0')}`
  })
  return `${quote}${body.join('')}${quote}`
}
