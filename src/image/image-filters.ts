import { parseUntil } from '../host/moment.ts'
import { invalidFilter, splitFilter } from '../oci/key-value-filter.ts'
import { type LabelFilter, parseLabelFilter } from '../oci/label-filter.ts'
import type { Reference } from '../oci/reference.ts'
import { parseReferencePattern } from '../oci/reference-pattern.ts'
import { parseSpanMs } from './time-span.ts'

/** One `--filter`, read. Those of one kind are alternatives, but labels must all be there. */
export type ImageFilter =
  | { readonly kind: 'reference'; readonly matches: (reference: Reference) => boolean }
  | { readonly kind: 'dangling'; readonly isDangling: boolean }
  /** An image, as typed. */
  | { readonly kind: 'before' | 'since'; readonly image: string }
  | LabelFilter
  /** Built before. */
  | { readonly kind: 'until'; readonly moment: Date }
  /** Neither pulled nor used for a container since. */
  | { readonly kind: 'unused-for'; readonly since: Date }

const kinds = 'reference, dangling, before, since, until, unused-for, label or label!'

/**
 * Read `key=value` as typed for `images --filter` and `image prune --filter`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker images, "Filtering"
 */
export function parseImageFilter(text: string): ImageFilter {
  const { key, value } = splitFilter(text)
  switch (key) {
    case 'reference':
      return { kind: key, matches: parseReferencePattern(value) }
    case 'dangling':
      if (['true', '1'].includes(value)) return { kind: key, isDangling: true }
      if (['false', '0'].includes(value)) return { kind: key, isDangling: false }
      throw invalidFilter(text, 'must be true or false')
    case 'before':
    case 'since':
      return { kind: key, image: value }
    case 'label':
    case 'label!':
      return parseLabelFilter(key, value)
    case 'until':
      return { kind: key, moment: parseUntil(value) }
    case 'unused-for':
      return { kind: key, since: new Date(Date.now() - parseSpanMs(value)) }
    default:
      throw invalidFilter(text, 'no such filter', kinds)
  }
}
