import type { StoredEvent } from '../../store/events.ts'
import { escapeControls } from './escape.ts'
import { localRfc3339 } from './local-time.ts'

/** An event with docker's fields for templates and JSON. Source: docker system events, "Format the output" */
export function eventRow(event: StoredEvent): Readonly<Record<string, unknown>> {
  const { type, action, actorId, attributes, timeUs } = event
  const legacy =
    type === 'container' || type === 'image'
      ? { status: action, id: actorId, from: attributes.image ?? '' }
      : {}
  return {
    ...legacy,
    Type: type,
    Action: action,
    Actor: { ID: actorId, Attributes: new Map(Object.entries(attributes)) },
    scope: 'local',
    time: Math.floor(timeUs / 1e6),
    timeNano: BigInt(timeUs) * 1000n,
  }
}

/** `TIME TYPE ACTION ID (KEY=VALUE, …)`. */
export function eventLine({ type, action, actorId, attributes, timeUs }: StoredEvent): string {
  const pairs = Object.entries(attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
  const tail = pairs.length === 0 ? '' : ` (${pairs.join(', ')})`
  return escapeControls(`${localRfc3339(timeUs)} ${type} ${action} ${actorId}${tail}`)
}
