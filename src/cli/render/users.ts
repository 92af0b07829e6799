const maxShown = 3

/** Who uses something, for a table's cell: the first names, and how many more there are. */
export function usersCell(users: readonly string[]): string {
  const shown = users.slice(0, maxShown).join(', ')
  const more = users.length - maxShown
  return more > 0 ? `${shown} and ${more} more` : shown
}

/** A digest, or a key with one in it, as tables show it: 12 of the hex digits and no algorithm. */
export function shortKey(key: string): string {
  return key.replace(/(?:sha256:)?([0-9a-f]{12})[0-9a-f]{52}/g, '$1')
}
