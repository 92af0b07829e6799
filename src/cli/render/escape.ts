/**
 * Text from outside (names, labels, error bodies) made harmless for a terminal: control
 * characters, escape sequences and direction marks become `\n`, `\x1b`, `\u202e`.
 */
export function escapeControls(text: string): string {
  return text.replace(control, escapeOne)
}

/** The same for text with lines and columns of its own: tabs and newlines stay. */
export function escapeTerminal(text: string): string {
  return text.replace(control, (found) =>
    found === '\t' || found === '\n' ? found : escapeOne(found),
  )
}

const control =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it finds
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const named: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escapeOne(character: string): string {
  const code = character.charCodeAt(0)
  return (
    named[character] ??
    (code < 0x80
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`)
  )
}
