import { isTransfer } from '../../image/progress.ts'
import { humanTransfer } from './human-size.ts'
import type { ProgressEntry, ProgressState } from './progress-state.ts'

export interface LineOptions {
  readonly columns: number
  readonly rows: number
  /** Applied to the finished part of a bar. */
  readonly paint?: ((bar: string) => string) | undefined
}

/**
 * A pull as it stands, a line for each descriptor and one for the whole, none wider or more than
 * the terminal shows: there, digests are cut and finished descriptors left out, oldest first.
 *
 * Source: the look is `nerdctl pull`'s
 */
export function progressLines(state: ProgressState, options: LineOptions): string[] {
  const entries = state.entries()
  const shown = visibleEntries(entries, options.rows - 2)
  const names = nameColumn(shown, options.columns)
  const nameWidth = Math.max(0, ...names.map((name) => name.length))
  const barWidth = Math.max(
    0,
    Math.min(maxBarWidth, options.columns - nameWidth - statusWidth - sizeWidth - separators),
  )
  const lines = shown.map((entry, index) => {
    const text = `${(names[index] ?? '').padEnd(nameWidth)} ${entry.status.padEnd(statusWidth)}`
    const bar = barWidth === 0 ? '' : ` |${drawBar(entry, barWidth, options.paint)}|`
    return (
      cut(text, options.columns) + bar + cut(sizesOf(entry), barWidth === 0 ? 0 : sizeWidth + 1)
    )
  })
  const hidden = entries.length - shown.length
  const rest = hidden === 0 ? '' : ` (${hidden} more)`
  return [...lines, cut(summaryLine(state) + rest, options.columns)]
}

/** `elapsed: 2.1s total: 10.1 MiB (4.8 MiB/s)`. */
export function summaryLine(state: ProgressState): string {
  const seconds = state.elapsedMs() / 1000
  const bytes = state.transferredBytes()
  const rate = humanTransfer(seconds > 0 ? bytes / seconds : 0)
  return `elapsed: ${seconds.toFixed(1)}s total: ${humanTransfer(bytes)} (${rate}/s)`
}

const statusWidth = 'downloading'.length
const sizeWidth = '1023.9 MiB/1023.9 MiB'.length
const maxBarWidth = 38
/** Two spaces, two bars and the space before the sizes. */
const separators = 5
const leastBarWidth = 10

const finishedStatuses: ReadonlySet<string> = new Set([
  'done',
  'exists',
  'pushed',
  'mounted',
  'skipped',
])

function visibleEntries(
  entries: readonly ProgressEntry[],
  limit: number,
): readonly ProgressEntry[] {
  let surplus = entries.length - Math.max(1, limit)
  const isFinished = ({ status }: ProgressEntry): boolean => finishedStatuses.has(status)
  const kept = entries.filter((entry) => !(isFinished(entry) && surplus-- > 0))
  return kept.slice(0, Math.max(1, limit))
}

/** Digests are shown whole where that leaves room for a bar. */
function nameColumn(entries: readonly ProgressEntry[], columns: number): string[] {
  const names = entries.map((entry) => `${entry.name}:`)
  const room = columns - statusWidth - sizeWidth - separators - leastBarWidth
  if (names.every((name) => name.length <= room)) return names
  return names.map((name) =>
    cut(name.replace(/(sha\d+:[\da-f]{12})[\da-f]+/, '$1'), Math.max(room, 20)),
  )
}

function drawBar(
  entry: ProgressEntry,
  width: number,
  paint = (bar: string): string => bar,
): string {
  const full = Math.round(width * fractionOf(entry))
  return paint('+'.repeat(full)) + '-'.repeat(width - full)
}

function fractionOf({ status, offsetBytes, totalBytes }: ProgressEntry): number {
  if (status === 'waiting' || status === 'resolving') return 0
  if (!isTransfer(status)) return 1
  return totalBytes === 0 ? 0 : Math.min(1, offsetBytes / totalBytes)
}

function sizesOf({ status, offsetBytes, totalBytes }: ProgressEntry): string {
  if (!isTransfer(status)) return ''
  return ` ${humanTransfer(offsetBytes)}/${humanTransfer(totalBytes)}`
}

function cut(text: string, width: number): string {
  return text.slice(0, Math.max(0, width))
}
