/**
 * The names of a log that is kept in several files, newest first: the one that is written to; the
 * name under which the keeper holds on to it (log-keeper.ts), which is an older file until the
 * keeper has noticed that the monitor has begun the next; then what it has put away.
 */
export function logFileNames(path: string, maxFiles: number): string[] {
  if (maxFiles === 1) return [path]
  return [path, ...Array.from({ length: maxFiles }, (_, n) => `${path}.${n}`)]
}
