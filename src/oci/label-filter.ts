/** `label=KEY[=VALUE]`, or `label!=KEY[=VALUE]` for what does not have it; without a value: whatever it is. */
export interface LabelFilter {
  readonly kind: 'label' | 'label!'
  readonly key: string
  readonly value: string | undefined
}

/** @param text  what follows `label=` or `label!=` */
export function parseLabelFilter(kind: LabelFilter['kind'], text: string): LabelFilter {
  const [key = '', ...rest] = text.split('=')
  return { kind, key, value: rest.length === 0 ? undefined : rest.join('=') }
}

/** @param value  what the thing has under the filter's key; undefined if it has no such label */
export function passesLabelFilter(filter: LabelFilter, value: string | undefined): boolean {
  const isThere = value !== undefined && (filter.value === undefined || filter.value === value)
  return isThere === (filter.kind === 'label')
}
