import { invalidFilter } from '../oci/key-value-filter.ts'

/** A parser of filters that takes only some of their kinds. @throws INVALID_ARGUMENT */
export function onlyKinds<F extends { readonly kind: string }, K extends F['kind']>(
  parse: (text: string) => F,
  kinds: readonly K[],
): (text: string) => F {
  return (text) => {
    const filter = parse(text)
    if (kinds.some((kind) => kind === filter.kind)) return filter
    throw invalidFilter(text, 'no such filter here', kinds.join(', '))
  }
}
