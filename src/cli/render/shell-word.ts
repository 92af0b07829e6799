/**
 * A word as a POSIX shell reads it back: as it is where nothing in it is special, else in single
 * quotes. Control characters go into bash's `$'…'`, so that a terminal obeys none of them.
 *
 * Source: POSIX Shell Command Language §Quoting; bash(1) QUOTING
 */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (!/\p{Cc}/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`
  const escaped = word.replace(/[\\'\p{Cc}]/gu, (character) => {
    if (character === '\\' || character === "'") return `\\${character}`
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `$'${escaped}'`
}
