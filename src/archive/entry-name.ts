const maxNameLength = 512
const shownLength = 100

/**
 * A name in an archive, relative to its root, without `.` and empty components.
 *
 * @param linkTarget  where the name was made from a link's: what must not be absolute
 * @returns           undefined for a name that is absolute, too long or leads out of the archive
 */
export function cleanName(name: string, linkTarget = name): string | undefined {
  if (linkTarget.startsWith('/') || linkTarget === '' || name.length > 2 * maxNameLength) {
    return undefined
  }
  const components: string[] = []
  for (const component of name.split('/')) {
    if (component === '' || component === '.') continue
    if (component !== '..') components.push(component)
    // `..` is for links alone: nobody writes it into the name of an entry.
    else if (linkTarget === name || components.pop() === undefined) return undefined
  }
  const clean = components.join('/')
  return clean.length > maxNameLength ? undefined : clean
}

/** For messages. */
export function shownName(name: string): string {
  const short = name.length > shownLength ? `${name.slice(0, shownLength)}…` : name
  return /^[\w./@:+-]+$/.test(short) ? short : JSON.stringify(short)
}
