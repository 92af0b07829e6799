/** `text` cut to `width` characters, the last of them `…`, as docker cuts COMMAND to 20. */
export function ellipsis(text: string, width: number): string {
  const characters = [...text]
  if (characters.length <= width) return text
  return `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}

/** The 12 characters by which ids are shown; a digest loses its algorithm. */
export function shortId(id: string): string {
  return id.slice(id.indexOf(':') + 1).slice(0, 12)
}
