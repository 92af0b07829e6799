import type { Database } from '../host/database.ts'

/** Something that happened to a container, an image, a volume or a network. */
export interface NewEvent {
  readonly namespace: string
  readonly type: EventType
  /** In docker's words: `start`, `die`, `health_status: healthy`. */
  readonly action: string
  /** A container's id, an image's name or id, a volume's name, a network's id. */
  readonly actorId: string
  readonly attributes: Readonly<Record<string, string>>
}

export type EventType = 'container' | 'image' | 'volume' | 'network'

export interface StoredEvent extends NewEvent {
  /** Later events have greater numbers. */
  readonly number: number
  /** Microseconds since the epoch. */
  readonly timeUs: number
}

export interface EventRange {
  readonly namespace: string
  /** Only those after the event of this number. */
  readonly after?: number | undefined
  /** Microseconds since the epoch, both inclusive. */
  readonly sinceUs?: number | undefined
  readonly untilUs?: number | undefined
}

interface EventRow {
  number: number
  namespace: string
  type: EventType
  action: string
  actor_id: string
  attributes: string
  time_us: number
}

/** Older events are forgotten; docker keeps 256. */
const keptEvents = 10_000
const eventsBetweenSweeps = 200

/** That everything of a type that nobody needed was removed, as docker tells it. */
export function recordPrune(
  { database, namespace }: { readonly database: Database; readonly namespace: string },
  type: EventType,
  reclaimedBytes: number,
): void {
  const attributes = { reclaimed: String(reclaimedBytes) }
  recordEvent(database, { namespace, type, action: 'prune', actorId: '', attributes })
}

/**
 * Write an event to the journal; best in the transaction that makes it true.
 *
 * @param timeUs  when it happened, if not now
 */
export function recordEvent(database: Database, event: NewEvent, timeUs = nowUs()): void {
  const { lastInsertRowid } = database
    .prepare(
      `INSERT INTO event (namespace, type, action, actor_id, attributes, time_us)
       VALUES (?, ?, ?, ?, ?, ?)`,
    )
    .run(
      event.namespace,
      event.type,
      event.action,
      event.actorId,
      JSON.stringify(event.attributes),
      timeUs,
    )
  const number = Number(lastInsertRowid)
  if (number % eventsBetweenSweeps !== 0) return
  database.prepare('DELETE FROM event WHERE number <= ?').run(number - keptEvents)
}

/** Events of one namespace in the order in which they happened. */
export function listEvents(database: Database, range: EventRange): StoredEvent[] {
  return database
    .prepare<[string, number, number, number], EventRow>(
      `SELECT * FROM event
       WHERE namespace = ? AND number > ? AND time_us >= ? AND time_us <= ?
       ORDER BY number`,
    )
    .all(
      range.namespace,
      range.after ?? 0,
      range.sinceUs ?? Number.MIN_SAFE_INTEGER,
      range.untilUs ?? Number.MAX_SAFE_INTEGER,
    )
    .map((row) => ({
      number: row.number,
      namespace: row.namespace,
      type: row.type,
      action: row.action,
      actorId: row.actor_id,
      attributes: JSON.parse(row.attributes) as Record<string, string>,
      timeUs: row.time_us,
    }))
}

/** The number of the newest event; 0 before the first. */
export function lastEventNumber(database: Database): number {
  return (
    database
      .prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
      .pluck()
      .get() ?? 0
  )
}

function nowUs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000)
}
