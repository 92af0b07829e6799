/** How columns are laid out; the default is docker's. Source: Go text/tabwriter, docker ps */
export interface TableLayout {
  /** Least width of a column, its padding included. */
  readonly minWidth?: number | undefined
  /** Spaces after the widest cell of a column. */
  readonly padding?: number | undefined
}

/**
 * Lines of tab-separated cells, aligned. Only a cell with a tab after it takes part in a column, so
 * no line gets trailing spaces; a column's width holds for the lines in sequence that have it.
 *
 * @returns one text, each line with its newline; '' for no lines
 */
export function alignTabs(lines: readonly string[], layout: TableLayout = {}): string {
  const { minWidth = 10, padding = 3 } = layout
  const cellWidth = widthFunction(lines)
  const table = lines.map((line) => line.split('\t'))
  const padded = table.map((cells) => cells.slice())
  const columns = Math.max(0, ...table.map((cells) => cells.length - 1))
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < table.length; first++) {
      let end = first
      let width = minWidth
      for (; end < table.length && hasColumn(table[end], column); end++) {
        width = Math.max(width, cellWidth(table[end]?.[column] ?? '') + padding)
      }
      for (let row = first; row < end; row++) {
        const cell = table[row]?.[column] ?? ''
        const cells = padded[row] ?? []
        cells[column] = cell + ' '.repeat(width - cellWidth(cell))
      }
      first = Math.max(first, end)
    }
  }
  return padded.map((cells) => `${cells.join('')}\n`).join('')
}

/** A header line and rows of cells, aligned. Cells must not hold tabs or newlines. */
export function renderTable(
  headers: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
  layout: TableLayout = {},
): string {
  return alignTabs(
    [headers, ...rows].map((cells) => cells.join('\t')),
    layout,
  )
}

function hasColumn(cells: readonly string[] | undefined, column: number): boolean {
  return cells !== undefined && cells.length - 1 > column
}

/** Characters of a text. To look for pairs in each cell would be most of a long table's time. */
function widthFunction(lines: readonly string[]): (text: string) => number {
  if (!lines.some((line) => /[\ud800-\udbff]/.test(line))) return (text) => text.length
  return (text) => text.length - (text.match(pairs)?.length ?? 0)
}

/** Characters of two UTF-16 units. */
const pairs = /[\ud800-\udbff][\udc00-\udfff]/g
