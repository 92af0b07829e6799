/**
 * docker's null lists and maps: `null` in JSON, but `[]` and `map[]` in a template, where they can
 * be ranged over, counted and indexed like empty ones.
 */
export const nilList: readonly never[] = Object.freeze(asNull([]))
export const nilMap: Readonly<Record<string, never>> = Object.freeze(asNull(Object.create(null)))

function asNull<T extends object>(empty: T): T {
  return Object.defineProperty(empty, 'toJSON', { value: () => null, enumerable: false })
}
