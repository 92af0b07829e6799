import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { endedExecs } from '../../container/exec-events.ts'
import { hasCode, TsctrError } from '../../errors.ts'
import { parseMoment } from '../../host/moment.ts'
import { type EventFilter, matchesEvent, parseEventFilter } from '../../store/event-filters.ts'
import type { StoredEvent } from '../../store/events.ts'
import { followEvents } from '../../store/follow-events.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { untilInterrupted } from '../interrupt.ts'
import { eventLine, eventRow } from '../render/event-row.ts'

interface EventsFlags {
  readonly since?: bigint
  readonly until?: bigint
  readonly filter?: readonly EventFilter[]
  readonly format?: string
}

/** docker's for a template that cannot be read. Source: docker system events */
const badTemplateCode = 64

export function addEventsCommand(parent: Command): void {
  const now = new Date()
  const moment = (text: string): bigint => parseMoment(text, now)
  parent
    .command('events')
    .description('Show what happens to containers, images, volumes and networks')
    .option('--since <time>', 'begin in the past', single('--since', moment))
    .option('--until <time>', 'end there', single('--until', moment))
    .option(
      '-f, --filter <key=value>',
      'container, event, image, label, network, type, volume',
      repeated('--filter', parseEventFilter),
    )
    .option('--format <format>', "'json' or a Go template")
    .action((flags: EventsFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const line = await lineRenderer(flags.format)
        await untilInterrupted(async (signal) => {
          const batches = followEvents(ctx.database, ctx.namespace, {
            sinceUs: microseconds(flags.since),
            untilUs: microseconds(flags.until),
            signal,
            source: endedExecs(ctx),
          })
          for await (const events of batches) {
            const wanted = events.filter((event) => matchesEvent(event, flags.filter ?? []))
            ctx.stdout.write(wanted.map(line).join(''))
          }
        })
      }),
    )
}

async function lineRenderer(format: string | undefined): Promise<(event: StoredEvent) => string> {
  if (format === undefined || format === '') return (event) => `${eventLine(event)}\n`
  const { rowRenderer } = await import('../render/format.ts')
  try {
    const render = rowRenderer({ format, isTerminal: isatty(1) })
    return (event) => render(eventRow(event))
  } catch (error) {
    if (!hasCode(error, 'INVALID_ARGUMENT')) throw error
    const { code, message, hint } = error
    throw new TsctrError(code, message, { hint, exitCode: badTemplateCode, cause: error.cause })
  }
}

function microseconds(ns: bigint | undefined): number | undefined {
  return ns === undefined ? undefined : Number(ns / 1000n)
}
