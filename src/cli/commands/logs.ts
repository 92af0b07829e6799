import type { Command } from 'commander'
import { clearLogs } from '../../container/clear-logs.ts'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { logAttributes } from '../../container/log-attributes.ts'
import { readLogs } from '../../container/logs.ts'
import { TsctrError } from '../../errors.ts'
import { parseMoment } from '../../host/moment.ts'
import { type Context, withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { LogLines } from '../render/log-lines.ts'

interface LogsFlags {
  readonly clear?: boolean
  readonly follow?: boolean
  readonly timestamps?: boolean
  readonly details?: boolean
  readonly stream?: 'stdout' | 'stderr'
  readonly tail?: number
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
    .option('--details', 'begin each line with what --log-opt tag, labels and env chose')
    .option('-n, --tail <lines>', "only the last lines; 'all' (default) for all", parseTail)
    .option('--since <time>', 'from a time on, or the last 10m', single('--since', moment))
    .option('--until <time>', 'up to a time, or up to 10m ago', single('--until', moment))
    .option(
      '--stream <name>',
      'only stdout or stderr',
      single('--stream', oneOf('stdout', 'stderr')),
    )
    .option('--clear', 'show nothing, but forget what was written until now')
    .action((name: string, flags: LogsFlags, command: Command) => {
      if (flags.clear !== true) return withContext(command, (ctx) => showLogs(ctx, name, flags))
      if (Object.keys(flags).length > 1) {
        throw new TsctrError('INVALID_ARGUMENT', '--clear: contradicts flags for what to show')
      }
      return withContext(command, (ctx) => clearLogs(ctx, name))
    })
}

async function showLogs(ctx: Context, name: string, flags: LogsFlags): Promise<void> {
  const lines = new LogLines({
    hasTimes: flags.timestamps === true,
    attributes: flags.details === true ? logAttributes(ctx, name) : undefined,
  })
  const batches = readLogs(ctx, {
    name,
    tail: flags.tail,
    stream: flags.stream,
    sinceNs: flags.since,
    untilNs: flags.until,
    follows: flags.follow === true,
  })
  for await (const records of batches) {
    for (const { stream, bytes } of lines.texts(records)) ctx[stream].write(bytes)
  }
}

/** Docker takes whatever is no number of lines for all of them. */
function parseTail(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined
}
