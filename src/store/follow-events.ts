import { dirname } from 'node:path'
import type { Database } from '../host/database.ts'
import { type DirectoryChanges, watchDirectory } from '../host/watch-directory.ts'
import { type EventRange, lastEventNumber, listEvents, type StoredEvent } from './events.ts'

export interface FollowOptions {
  /** Begin with what happened from then on; undefined for what happens from now on. */
  readonly sinceUs?: number | undefined
  /** End there; in the past: what happened alone. undefined: go on until the signal. */
  readonly untilUs?: number | undefined
  readonly signal: AbortSignal
  /** Where else something is left that becomes events. */
  readonly source?: EventSource | undefined
}

export interface EventSource {
  readonly directory: string
  /** Make events of what is there. */
  take(): void
}

/** Changes of the database are seen as file events; this is for file systems that send none. */
const pollMs = 1000

/** Events of a namespace as they happen, as many at once as there are. */
export async function* followEvents(
  database: Database,
  namespace: string,
  options: FollowOptions,
): AsyncGenerator<readonly StoredEvent[]> {
  const { sinceUs, untilUs, signal, source } = options
  const changes = watchDirectory(dirname(database.name))
  const further = source && watchDirectory(source.directory)
  // What was left before this began did not happen after it.
  source?.take()
  const isReplay = sinceUs !== undefined || isOver(untilUs)
  let range: EventRange = {
    namespace,
    sinceUs,
    untilUs,
    after: isReplay ? 0 : lastEventNumber(database),
  }
  try {
    while (!signal.aborted) {
      // Asked before reading: what happened until then is read for certain.
      const isLast = isOver(untilUs)
      source?.take()
      const events = listEvents(database, range)
      if (events.length > 0) yield events
      range = { ...range, after: events.at(-1)?.number ?? range.after }
      if (isLast) return
      const leftMs = untilUs === undefined ? pollMs : untilUs / 1000 - Date.now()
      const waitMs = Math.max(1, Math.min(pollMs, leftMs))
      await nextOf([changes, ...(further === undefined ? [] : [further])], waitMs, signal)
    }
  } finally {
    further?.close()
    changes.close()
  }
}

/** The next change of any of them. */
async function nextOf(
  changes: readonly DirectoryChanges[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const first = new AbortController()
  const either = AbortSignal.any([signal, first.signal])
  await Promise.race(changes.map((each) => each.next(timeoutMs, either)))
  first.abort()
}

function isOver(untilUs: number | undefined): boolean {
  return untilUs !== undefined && untilUs / 1000 <= Date.now()
}
