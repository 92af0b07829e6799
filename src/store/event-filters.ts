import { TsctrError } from '../errors.ts'
import type { StoredEvent } from './events.ts'

/** One `--filter`, read. Those of one kind are alternatives, but labels must all be there. */
export interface EventFilter {
  readonly kind: EventFilterKind
  readonly value: string
}

type EventFilterKind = (typeof kinds)[number]

const kinds = ['container', 'event', 'image', 'label', 'network', 'type', 'volume'] as const

/**
 * Read `key=value` as typed for `events --filter`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker system events, "Filtering"
 */
export function parseEventFilter(text: string): EventFilter {
  const equals = text.indexOf('=')
  const name = text.slice(0, Math.max(0, equals)).trim().toLowerCase()
  const kind = kinds.find((each) => each === name)
  if (kind !== undefined) return { kind, value: text.slice(equals + 1).trim() }
  const problem = equals < 0 ? 'must be KEY=VALUE' : 'no such filter'
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`, {
    hint: kinds.join(', '),
  })
}

export function matchesEvent(event: StoredEvent, filters: readonly EventFilter[]): boolean {
  return kinds.every((kind) => {
    const wanted = filters.filter((filter) => filter.kind === kind)
    if (wanted.length === 0) return true
    const holds = ({ value }: EventFilter): boolean => matches(event, kind, value)
    return kind === 'label' ? wanted.every(holds) : wanted.some(holds)
  })
}

function matches(event: StoredEvent, kind: EventFilterKind, value: string): boolean {
  switch (kind) {
    case 'type':
      return event.type === value
    case 'event':
      // `health_status: healthy` is found by its first word too.
      return event.action === value || event.action.startsWith(`${value}:`)
    case 'label': {
      const [key = '', ...rest] = value.split('=')
      const found = event.attributes[key]
      return found !== undefined && (rest.length === 0 || found === rest.join('='))
    }
    case 'image':
      return namesOfImage(event).some((name) => name === value || withoutTag(name) === value)
    default:
      return event.type === kind && (event.actorId.startsWith(value) || isNamed(event, value))
  }
}

/** Docker takes the start of a name, too. */
function isNamed(event: StoredEvent, value: string): boolean {
  return event.attributes.name?.startsWith(value) === true
}

function namesOfImage({ type, actorId, attributes }: StoredEvent): string[] {
  if (type === 'container') return [attributes.image ?? '']
  return type === 'image' ? [actorId, attributes.name ?? ''] : []
}

function withoutTag(name: string): string {
  return name.replace(/:[^/:]*$/, '')
}
