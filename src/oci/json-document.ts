import { TsctrError } from '../errors.ts'

/**
 * A JSON document of somebody else's making, read field by field: nothing is trusted to have the
 * type that a specification gives it, and keys like `__proto__` stay data.
 */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Parse bytes that must hold one JSON object.
 *
 * @param what  the operand for error messages, `manifest sha256:ab12…`
 * @throws      INVALID_ARGUMENT for anything else, trailing data and a byte order mark included
 */
export function parseJsonObject(bytes: Buffer, what: string): JsonObject {
  return asObject(parseJson(bytes, what), what)
}

/** As parseJsonObject, for one JSON list. @throws INVALID_ARGUMENT */
export function parseJsonList(bytes: Buffer, what: string): readonly unknown[] {
  const value = parseJson(bytes, what)
  if (Array.isArray(value)) return value
  throw new TsctrError('INVALID_ARGUMENT', `${what}: must be a list`)
}

function parseJson(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw new TsctrError('INVALID_ARGUMENT', `${what}: not a JSON document`, { cause })
  }
}

/** @throws INVALID_ARGUMENT unless `value` is an object (an array is not) */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject
  }
  throw new TsctrError('INVALID_ARGUMENT', `${what}: must be an object`)
}

/** An own field that must be a string where it is there at all. */
export function optionalString(object: JsonObject, key: string, what: string): string | undefined {
  const value = field(object, key)
  if (value === undefined || typeof value === 'string') return value
  throw new TsctrError('INVALID_ARGUMENT', `${what}: ${key} must be a string`)
}

/** An own field that must be a list where it is there at all. */
export function optionalArray(
  object: JsonObject,
  key: string,
  what: string,
): readonly unknown[] | undefined {
  const value = field(object, key)
  if (value === undefined || Array.isArray(value)) return value
  throw new TsctrError('INVALID_ARGUMENT', `${what}: ${key} must be a list`)
}

/** An own field that must be a list of strings where it is there at all. */
export function optionalStringList(
  object: JsonObject,
  key: string,
  what: string,
): string[] | undefined {
  return optionalArray(object, key, what)?.map((item, index) => {
    if (typeof item === 'string') return item
    throw new TsctrError('INVALID_ARGUMENT', `${what}: ${key}[${index}] must be a string`)
  })
}

/** An own field that must map strings to strings; a Map, so that no key is special. */
export function optionalStringMap(
  object: JsonObject,
  key: string,
  what: string,
): ReadonlyMap<string, string> | undefined {
  const value = field(object, key)
  if (value === undefined) return undefined
  const entries = Object.entries(asObject(value, `${what}: ${key}`))
  for (const [name, text] of entries) {
    if (typeof text !== 'string') {
      throw new TsctrError('INVALID_ARGUMENT', `${what}: ${key}.${name} must be a string`)
    }
  }
  return new Map(entries as [string, string][])
}

/** An own field; null counts as absent, as Go's decoder has it. */
export function field(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined
}
