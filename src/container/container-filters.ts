import { parseUntil } from '../host/moment.ts'
import { invalidFilter, splitFilter } from '../oci/key-value-filter.ts'
import { type LabelFilter, parseLabelFilter } from '../oci/label-filter.ts'
import { type DockerState, dockerStates } from './docker-state.ts'
import { wholeNumber } from './flag-values/number.ts'

/** One `--filter`, read. Those of one kind are alternatives, but labels must all be there. */
export type ContainerFilter =
  | { readonly kind: 'id' | 'name'; readonly matches: (text: string) => boolean }
  | LabelFilter
  /** Made before. */
  | { readonly kind: 'until'; readonly moment: Date }
  | { readonly kind: 'status'; readonly state: DockerState }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'health'; readonly status: HealthFilterStatus }
  /** An image, as typed. */
  | { readonly kind: 'ancestor'; readonly image: string }
  /** A container, as typed. */
  | { readonly kind: 'before' | 'since'; readonly container: string }
  /** Name, or start of an id. */
  | { readonly kind: 'network'; readonly network: string }
  /** Path on the host or in the container. */
  | { readonly kind: 'volume'; readonly place: string }

const healthStatuses = ['starting', 'healthy', 'unhealthy', 'none'] as const

/** `none`: nothing is checked. */
export type HealthFilterStatus = (typeof healthStatuses)[number]

const kinds =
  'id, name, label, label!, status, exited, health, ancestor, before, since, until, network or volume'

/**
 * Read `key=value` as typed for `ps --filter`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker ps, "Filtering"
 */
export function parseContainerFilter(text: string): ContainerFilter {
  const { key: kind, value } = splitFilter(text)
  switch (kind) {
    case 'id':
    case 'name':
      return { kind, matches: matcher(value) }
    case 'label':
    case 'label!':
      return parseLabelFilter(kind, value)
    case 'until':
      return { kind, moment: parseUntil(value) }
    case 'status': {
      const state = dockerStates.find((name) => name === value)
      if (state === undefined) throw invalidFilter(text, 'no such status', dockerStates.join(', '))
      return { kind, state }
    }
    case 'exited':
      return { kind, code: wholeNumber(0)(value) }
    case 'health': {
      const status = healthStatuses.find((name) => name === value)
      if (status === undefined) {
        throw invalidFilter(text, 'no such health', healthStatuses.join(', '))
      }
      return { kind, status }
    }
    case 'ancestor':
      return { kind, image: value }
    case 'before':
    case 'since':
      return { kind, container: value }
    case 'network':
      return { kind, network: value }
    case 'volume':
      return { kind, place: value }
    default:
      throw invalidFilter(text, 'no such filter', kinds)
  }
}

/** Docker takes the value for a regular expression that may match anywhere. */
function matcher(value: string): (text: string) => boolean {
  try {
    const expression = new RegExp(value)
    return (text) => text === value || expression.test(text)
  } catch {
    return (text) => text === value
  }
}
