import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { type ContainerSample, containerSampler } from '../../container/stats.ts'
import { type Context, withContext } from '../context.ts'
import { untilInterrupted } from '../interrupt.ts'
import { renderRows } from '../render/format.ts'
import { statsLayout, statsRow } from './stats-row.ts'

interface StatsFlags {
  readonly all?: boolean
  readonly format?: string
  /** commander's names for `--no-stream` and `--no-trunc`. */
  readonly stream: boolean
  readonly trunc: boolean
}

/** Between two samples, whose difference is what a CPU has done. */
const intervalMs = 1000

export function addStatsCommand(parent: Command): void {
  parent
    .command('stats [container...]')
    .description('Show what containers use of CPU, memory, network and disk')
    .option('-a, --all', 'those that do not run too')
    .option('--no-stream', 'show it once')
    .option('--no-trunc', 'shorten nothing')
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .action((names: string[], flags: StatsFlags, command: Command) =>
      withContext(command, (ctx) =>
        untilInterrupted((signal) => showStats(ctx, { names, flags, signal })),
      ),
    )
}

interface StatsView {
  readonly names: readonly string[]
  readonly flags: StatsFlags
  readonly signal: AbortSignal
}

async function showStats(ctx: Context, { names, flags, signal }: StatsView): Promise<void> {
  const isScreen = flags.stream && isatty(1)
  const sample = containerSampler(ctx, { names, isAll: flags.all === true })
  // A bad template fails here, before the first second has passed.
  render([], [], flags)
  let before = await sample()
  for (;;) {
    await sleep(intervalMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    const now = await sample()
    // Nothing is left of what was asked for.
    if (names.length > 0 && now.length === 0) return
    const text = render(before, now, flags)
    ctx.stdout.write(isScreen ? redraw(text) : text)
    if (!flags.stream) return
    before = now
  }
}

function render(
  before: readonly ContainerSample[],
  now: readonly ContainerSample[],
  flags: StatsFlags,
): string {
  const earlier = new Map(before.map((sample) => [sample.record.id, sample]))
  const rows = now.map((sample) => statsRow(earlier.get(sample.record.id), sample, flags))
  return renderRows(rows, statsLayout, { format: flags.format, isTerminal: isatty(1) })
}

/** From the top left, each line cleared to its end, and all that is below the last. */
function redraw(text: string): string {
  return `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[J`
}
