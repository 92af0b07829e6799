import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { type HistoryStep, imageHistory } from '../../image/image-history.ts'
import { withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { ellipsis, shortId } from '../render/ellipsis.ts'
import { type Row, type RowLayout, renderRows } from '../render/format.ts'
import { humanAge } from '../render/human-duration.ts'
import { humanSize } from '../render/human-size.ts'

interface HistoryFlags {
  readonly format?: string
  readonly human: boolean
  /** commander's name for `--no-trunc`. */
  readonly trunc: boolean
  readonly quiet?: boolean
  readonly platform?: string
}

const tableDigits = 3
const createdByWidth = 45

export function addHistoryCommand(parent: Command): void {
  parent
    .command('history <image>')
    .description('Show how an image was made')
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .option('-H, --human', 'sizes and times as people say them', true)
    .option('--no-human', 'sizes in bytes, times as RFC 3339 has them')
    .option('--no-trunc', 'show all of ids and commands')
    .option('-q, --quiet', 'print ids alone')
    .option('--platform <os/arch>', 'of the image for this platform')
    .action((image: string, flags: HistoryFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const steps = imageHistory(ctx, image, wantedPlatform(flags.platform))
        const now = new Date()
        const rows = steps.map((step) => rowOf(step, flags, now))
        const isTable = [undefined, '', 'table'].includes(flags.format)
        const format = flags.quiet === true && isTable ? '{{.ID}}' : flags.format
        ctx.stdout.write(renderRows(rows, layout, { format, isTerminal: isatty(1) }))
      }),
    )
}

/** Source: docker history */
const layout: RowLayout = {
  headers: {
    ID: 'IMAGE',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    CreatedBy: 'CREATED BY',
    Size: 'SIZE',
    Comment: 'COMMENT',
  },
  table: ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'],
}

function rowOf(step: HistoryStep, { human, trunc }: HistoryFlags, now: Date): Row {
  const { id, createdAt, sizeBytes } = step
  const createdBy = step.createdBy.replaceAll('\t', ' ')
  const rfc3339 = createdAt?.toISOString().replace(/\.\d+Z$/, 'Z') ?? 'N/A'
  return {
    ID: id === undefined ? '<missing>' : trunc ? shortId(id) : id,
    CreatedAt: rfc3339,
    CreatedSince: human && createdAt !== undefined ? humanAge(createdAt, now) : rfc3339,
    CreatedBy: trunc ? ellipsis(createdBy, createdByWidth) : createdBy,
    Size: sizeText(sizeBytes, human),
    Comment: step.comment,
  }
}

/** `<none>` where the layer is not unpacked, as `images` has it. */
function sizeText(bytes: number | undefined, human: boolean): string {
  if (bytes === undefined) return '<none>'
  return human ? humanSize(bytes, tableDigits) : String(bytes)
}
