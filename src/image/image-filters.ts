import { TsctrError } from '../errors.ts'
import type { Reference } from '../oci/reference.ts'
import { parseReferencePattern } from '../oci/reference-pattern.ts'

/** One `--filter`, read. Those of one kind are alternatives, but labels must all be there. */
export type ImageFilter =
  | { readonly kind: 'reference'; readonly matches: (reference: Reference) => boolean }
  | { readonly kind: 'dangling'; readonly isDangling: boolean }
  /** An image, as typed. */
  | { readonly kind: 'before' | 'since'; readonly image: string }
  /** Without a value: whatever it is. */
  | { readonly kind: 'label'; readonly key: string; readonly value: string | undefined }

/**
 * Read `key=value` as typed for `images --filter`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker images, "Filtering"
 */
export function parseImageFilter(text: string): ImageFilter {
  const equals = text.indexOf('=')
  const key = equals < 0 ? text : text.slice(0, equals)
  const value = text.slice(key.length + 1)
  if (equals < 0 || value === '') throw invalid(text, 'must be KEY=VALUE')
  switch (key) {
    case 'reference':
      return { kind: key, matches: parseReferencePattern(value) }
    case 'dangling':
      if (['true', '1'].includes(value)) return { kind: key, isDangling: true }
      if (['false', '0'].includes(value)) return { kind: key, isDangling: false }
      throw invalid(text, 'must be true or false')
    case 'before':
    case 'since':
      return { kind: key, image: value }
    case 'label': {
      const [name = '', ...rest] = value.split('=')
      return { kind: key, key: name, value: rest.length === 0 ? undefined : rest.join('=') }
    }
    default:
      throw invalid(text, 'no such filter', 'reference, dangling, before, since or label')
  }
}

function invalid(text: string, problem: string, hint?: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`, { hint })
}
