/** A URL for people and logs: query strings carry signatures and tokens, user parts passwords. */
export function redactUrl(url: URL): string {
  const query = url.search === '' ? '' : '?…'
  return `${url.protocol}//${url.host}${url.pathname}${query}`
}

/**
 * A registry's own words, fit for a terminal: one line, nothing that a terminal acts on, not long.
 */
export function printableWords(text: string, maxLength = 300): string {
  const line = text.replace(/\s+/g, ' ').trim()
  const cut = line.length > maxLength ? `${line.slice(0, maxLength)}…` : line
  return cut.replace(/[\p{C}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })
}
