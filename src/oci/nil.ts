/**
 * Docker's null lists and maps: `null` in JSON, but `[]` and `map[]` in a template, where they can
 * be ranged over, counted and indexed like empty ones.
 */
export const nilList: readonly never[] = Object.freeze(asNull([]))
export const nilMap: Readonly<Record<string, never>> = Object.freeze(asNull(Object.create(null)))

/**
 * An object with further fields that only templates see: what docker leaves out of JSON while it
 * has no value (`omitempty`), and `{{.State.Health}}` must still find.
 */
export function withOmitted<T extends object, O extends object>(object: T, omitted: O): T & O {
  for (const [name, value] of Object.entries(omitted)) {
    Object.defineProperty(object, name, { value, enumerable: false })
  }
  return object as T & O
}

/**
 * An object with fields that docker leaves out of JSON while they have no value.
 *
 * @param fields  value, undefined if there is none, and what a template finds then
 */
export function withOptional(
  object: object,
  fields: Readonly<Record<string, readonly [value: unknown, empty: unknown]>>,
): object {
  const entries = Object.entries(fields)
  const given = entries.filter(([, [value]]) => value !== undefined)
  const absent = entries.filter(([, [value]]) => value === undefined)
  return withOmitted(
    { ...object, ...Object.fromEntries(given.map(([name, [value]]) => [name, value])) },
    Object.fromEntries(absent.map(([name, [, empty]]) => [name, empty])),
  )
}

/** `{"80/tcp": {}}`; a Map, so that no key is special. */
export function keysOf(names: readonly string[]): ReadonlyMap<string, object> {
  return new Map(names.map((name) => [name, {}]))
}

function asNull<T extends object>(empty: T): T {
  return Object.defineProperty(empty, 'toJSON', { value: () => null, enumerable: false })
}
