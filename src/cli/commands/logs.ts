import type { Command } from 'commander'
import { readLogs } from '../../container/logs.ts'
import { parseMoment } from '../../host/moment.ts'
import { withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { LogLines } from '../render/log-lines.ts'

interface LogsFlags {
  readonly follow?: boolean
  readonly timestamps?: boolean
  readonly details?: boolean
  readonly tail: number | undefined
  readonly since?: bigint
  readonly until?: bigint
}

export function addLogsCommand(parent: Command): void {
  const now = new Date()
  const moment = (text: string): bigint => parseMoment(text, now)
  parent
    .command('logs <container>')
    .description('Show what a container has written')
    .option('-f, --follow', 'go on until the container ends')
    .option('-t, --timestamps', 'begin each line with its time')
    .option('--details', 'begin each line with its attributes; there are none, so with a space')
    .option('-n, --tail <lines>', "only the last lines; 'all' (default) for all", parseTail)
    .option('--since <time>', 'from a time on, or the last 10m', single('--since', moment))
    .option('--until <time>', 'up to a time, or up to 10m ago', single('--until', moment))
    .action((name: string, flags: LogsFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const lines = new LogLines({
          hasTimes: flags.timestamps === true,
          hasDetails: flags.details === true,
        })
        const batches = readLogs(ctx, {
          name,
          tail: flags.tail,
          sinceNs: flags.since,
          untilNs: flags.until,
          follows: flags.follow === true,
        })
        for await (const records of batches) {
          for (const { stream, bytes } of lines.texts(records)) ctx[stream].write(bytes)
        }
      }),
    )
}

/** Docker takes whatever is no number of lines for all of them. */
function parseTail(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined
}
