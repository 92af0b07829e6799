import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { isAlive } from '../../host/owner.ts'
import { type Context, withContext } from '../context.ts'
import { type Row, type RowLayout, renderRows } from '../render/format.ts'
import { humanDuration } from '../render/human-duration.ts'
import { humanSize } from '../render/human-size.ts'

export function addContentActiveCommand(parent: Command): void {
  parent
    .command('active')
    .description('List unfinished downloads and other writes: how far they are, and whose')
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .action(({ format }: { format?: string }, command: Command) =>
      withContext(command, async (ctx) => {
        const rows = [...recordedRows(ctx), ...stagedRows(ctx)]
        ctx.stdout.write(renderRows(rows, layout, { format, isTerminal: isatty(1) }))
      }),
    )
}

/** Source: ctr content active, for REF, SIZE and AGE */
const layout: RowLayout = {
  headers: {
    Ref: 'REF',
    Key: 'KEY',
    Size: 'SIZE',
    SizeBytes: 'SIZE',
    Total: 'TOTAL',
    TotalBytes: 'TOTAL',
    Age: 'AGE',
    StartedAt: 'STARTED AT',
    Pid: 'PID',
    State: 'STATE',
  },
  table: ['Ref', 'Size', 'Total', 'Age', 'Pid', 'State'],
}

function recordedRows(ctx: Context): Row[] {
  return ctx.content.ingests().map(({ key, ref, offsetBytes, totalBytes, startedAt, owner }) => ({
    Ref: ref,
    Key: key,
    Size: humanSize(offsetBytes, 3),
    SizeBytes: offsetBytes,
    Total: totalBytes === undefined ? '' : humanSize(totalBytes, 3),
    TotalBytes: totalBytes ?? null,
    Age: humanDuration(Date.now() - startedAt.getTime()),
    StartedAt: startedAt.toISOString(),
    Pid: String(owner.pid),
    State: isAlive(owner) ? 'alive' : 'dead',
  }))
}

/** Nobody recorded what they are: only their lock says whether someone works on them. */
function stagedRows(ctx: Context): Row[] {
  return ctx.content.stagedIngests().map(({ key, offsetBytes, isHeld }) => ({
    Ref: key,
    Key: key,
    Size: humanSize(offsetBytes, 3),
    SizeBytes: offsetBytes,
    Total: '',
    TotalBytes: null,
    Age: '',
    StartedAt: '',
    Pid: '',
    State: isHeld ? 'alive' : 'dead',
  }))
}
