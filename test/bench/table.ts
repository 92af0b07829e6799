import type { Row } from './rows.ts'

/** One peer's figure in one row. */
export type Cell =
  | {
      /** In the row's unit. */
      readonly value: number
      /** What the figure is made of, if the heading does not say it. */
      readonly note?: string | undefined
    }
  | { readonly failure: string }

export interface TableRow {
  readonly row: Row
  /** How often each was measured. */
  readonly times: number
  /** By the peer's name; a peer that cannot do the row is missing. */
  readonly cells: ReadonlyMap<string, Cell>
}

/**
 * A Markdown table of medians. Beside each peer's figure stands tsctr's divided by it: below 1, tsctr
 * needs less.
 *
 * @param peers  names of the columns after tsctr's, in their order
 */
export function markdownTable(tableRows: readonly TableRow[], peers: readonly string[]): string {
  const heads = ['median', 'n', 'tsctr', ...peers]
  const lines = tableRows.map(({ row, times, cells }) => {
    const tsctr = cells.get('tsctr')
    const own = tsctr !== undefined && 'value' in tsctr ? tsctr.value : undefined
    const rest = peers.map((name) => peerCell(cells.get(name), own, row.unit))
    return [row.title, String(times), peerCell(tsctr, undefined, row.unit), ...rest]
  })
  const rule = heads.map((_, column) => (column === 0 ? '---' : '--:'))
  return [heads, rule, ...lines].map((columns) => `| ${columns.join(' | ')} |\n`).join('')
}

function peerCell(cell: Cell | undefined, own: number | undefined, unit: Row['unit']): string {
  if (cell === undefined) return ''
  if ('failure' in cell) return 'failed'
  const figure = unit === 'ms' ? formatDuration(cell.value) : formatSize(cell.value)
  const ratio = own === undefined ? '' : ` **${(own / cell.value).toFixed(2)}**`
  return `${figure}${ratio}${cell.note === undefined ? '' : ` (${cell.note})`}`
}

export function formatDuration(durationMs: number): string {
  if (durationMs < 9.95) return `${durationMs.toFixed(1)} ms`
  if (durationMs < 999.5) return `${durationMs.toFixed(0)} ms`
  return `${(durationMs / 1000).toFixed(2)} s`
}

export function formatSize(sizeBytes: number): string {
  const megabytes = sizeBytes / 1e6
  return `${megabytes.toFixed(megabytes < 9.95 ? 1 : 0)} MB`
}
