import { TsctrError } from '../errors.ts'
import { type DockerState, dockerStates } from './docker-state.ts'
import { wholeNumber } from './flag-values/number.ts'

/** One `--filter`, read. Those of one kind are alternatives, but labels must all be there. */
export type ContainerFilter =
  | { readonly kind: 'id' | 'name'; readonly matches: (text: string) => boolean }
  /** Without a value: whatever it is. */
  | { readonly kind: 'label'; readonly key: string; readonly value: string | undefined }
  | { readonly kind: 'status'; readonly state: DockerState }
  | { readonly kind: 'exited'; readonly code: number }
  /** An image, as typed. */
  | { readonly kind: 'ancestor'; readonly image: string }
  /** A container, as typed. */
  | { readonly kind: 'before' | 'since'; readonly container: string }
  /** Name, or start of an id. */
  | { readonly kind: 'network'; readonly network: string }
  /** Path on the host or in the container. */
  | { readonly kind: 'volume'; readonly place: string }

const hint = 'id, name, label, status, exited, ancestor, before, since, network or volume'

/**
 * Read `key=value` as typed for `ps --filter`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker ps, "Filtering"
 */
export function parseContainerFilter(text: string): ContainerFilter {
  const equals = text.indexOf('=')
  const value = text.slice(equals + 1).trim()
  if (equals < 0 || value === '') throw invalid(text, 'must be KEY=VALUE')
  const kind = text.slice(0, equals).trim().toLowerCase()
  switch (kind) {
    case 'id':
    case 'name':
      return { kind, matches: matcher(value) }
    case 'label': {
      const [key = '', ...rest] = value.split('=')
      return { kind, key, value: rest.length === 0 ? undefined : rest.join('=') }
    }
    case 'status': {
      const state = dockerStates.find((name) => name === value)
      if (state === undefined) throw invalid(text, 'no such status', dockerStates.join(', '))
      return { kind, state }
    }
    case 'exited':
      return { kind, code: wholeNumber(0)(value) }
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
      throw invalid(text, 'no such filter', hint)
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

function invalid(text: string, problem: string, hintText?: string): TsctrError {
  const message = `${JSON.stringify(text)}: ${problem}`
  return new TsctrError('INVALID_ARGUMENT', message, { hint: hintText })
}
