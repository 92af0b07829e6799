import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { type ContainerFilter, parseContainerFilter } from '../../container/container-filters.ts'
import { ContainerImages } from '../../container/container-images.ts'
import { containerSize } from '../../container/container-size.ts'
import { wholeNumber } from '../../container/flag-values/number.ts'
import {
  type ListedContainer,
  type ListRequest,
  listForPs,
} from '../../container/list-containers.ts'
import { type PublishedPort, portsOf } from '../../network/ports.ts'
import { type Context, withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { shortId } from '../render/ellipsis.ts'
import { renderRows } from '../render/format.ts'
import { psLayout, psRow } from './ps-row.ts'

interface PsFlags {
  readonly all?: boolean
  readonly quiet?: boolean
  readonly last?: number
  readonly latest?: boolean
  readonly size?: boolean
  /** commander's name for `--no-trunc`. */
  readonly trunc: boolean
  readonly format?: string
  readonly filter?: readonly ContainerFilter[]
}

export function addPsCommand(parent: Command): void {
  parent
    .command('ps')
    .description('List containers')
    .option('-a, --all', 'those that do not run too')
    .option('-q, --quiet', 'print ids alone')
    .option(
      '-n, --last <number>',
      'the newest so many, whatever their state',
      single('--last', wholeNumber(-1)),
    )
    .option('-l, --latest', 'the newest, whatever its state')
    .option('-s, --size', 'show sizes on disk')
    .option('--no-trunc', 'shorten nothing')
    .option('--format <format>', "'table', 'wide', 'json', a Go template, or 'table TEMPLATE'")
    .option(
      '-f, --filter <key=value>',
      'id, name, label, label!, status, exited, health, ancestor, before, since, until, network, volume',
      repeated('--filter', parseContainerFilter),
    )
    .action((flags: PsFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const isQuiet = flags.quiet === true
        if (isQuiet && flags.format !== undefined && flags.format !== '') {
          ctx.stderr.line('WARNING: --format is not used: --quiet prints ids')
        }
        // Looking must not make a store.
        const containers = ctx.hasDatabase ? await listForPs(ctx, listRequest(ctx, flags)) : []
        if (!isQuiet) return ctx.stdout.write(text(ctx, flags, containers))
        const ids = containers.map(({ record }) => (flags.trunc ? shortId(record.id) : record.id))
        ctx.stdout.write(ids.map((id) => `${id}\n`).join(''))
      }),
    )
}

function listRequest(ctx: Context, flags: PsFlags): ListRequest {
  return {
    isAll: flags.all === true,
    last: flags.latest === true ? 1 : flags.last,
    filters: flags.filter ?? [],
    onProblem: (error) => {
      ctx.stderr.line(`WARNING: ${error instanceof Error ? error.message : String(error)}`)
    },
  }
}

function text(ctx: Context, flags: PsFlags, containers: readonly ListedContainer[]): string {
  const format = flags.format?.trim() ?? ''
  const isSized = flags.size === true
  // As docker does, a template that shows sizes asks for them.
  const needsSize = isSized || format === 'wide' || /\.Size\b/.test(format)
  const images = new ContainerImages(ctx)
  const now = new Date()
  const ports = (id: string): PublishedPort[] => portsOf(ctx.database, id)
  const rows = containers.map((container) => {
    const size = needsSize ? containerSize(ctx, container.record) : undefined
    return psRow(container, { images, now, ports, trunc: flags.trunc, size })
  })
  const { table } = psLayout
  const layout = {
    ...psLayout,
    table: isSized ? [...table, 'Size'] : table,
    wide: [...table, 'Runtime', 'Platform', 'Size'],
  }
  return renderRows(rows, layout, { format, isTerminal: isatty(1) })
}
