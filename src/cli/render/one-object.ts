/**
 * A command's one object as `--format` asks for it.
 *
 * @param format  a Go template, or `json`; undefined for `text`
 * @param text    makes the form for people
 * @throws        INVALID_ARGUMENT for a template that cannot be read or does not fit the object
 */
export async function renderObject(
  object: unknown,
  format: string | undefined,
  text: () => string,
): Promise<string> {
  if (format === undefined || format === '') return text()
  if (format === 'json') {
    const { stringifyJson } = await import('./json.ts')
    return stringifyJson(object)
  }
  const { parseTemplate } = await import('./template.ts')
  return parseTemplate(format).execute(object)
}

/** Titles and values in two columns: `  Version:  0.1.0`. Rows without a value are left out. */
export function renderPairs(
  rows: readonly (readonly [title: string, value: string | undefined])[],
  indent = 1,
): string {
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== undefined)
  const width = Math.max(...shown.map(([title]) => title.length))
  return shown
    .map(([title, value]) => `${' '.repeat(indent)}${`${title}:`.padEnd(width + 2)}${value}`)
    .join('\n')
}
