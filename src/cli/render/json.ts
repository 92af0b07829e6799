import { fieldsOfClass, kindOf, mapEntries } from './template/value.ts'

declare global {
  interface JSON {
    /** Text that stringify takes as it is. Source: ECMAScript proposal json-parse-with-source */
    rawJSON(text: string): unknown
  }
}

/**
 * JSON as Go's encoder writes it with HTML escaping off: keys of maps sorted, those of structs in
 * their own order, methods left out.
 *
 * @param indent  spaces for each level; one line without
 */
export function stringifyJson(value: unknown, indent?: number): string {
  return escapeInvisible(JSON.stringify(value, goOrder, indent) ?? 'null')
}

/** Somebody else's document as it is written, with its own order of keys. */
export function reindentJson(document: unknown, indent: number | string): string {
  return escapeInvisible(JSON.stringify(document, undefined, indent))
}

function escapeInvisible(json: string): string {
  return json.replace(invisible, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

// JSON.stringify escapes only below U+0020. Some terminals obey U+0080-U+009F, line and paragraph
// separators break lines, and the direction marks reorder what a reader sees.
const invisible = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

function goOrder(_key: string, value: unknown): unknown {
  // A number of JSON has as many digits as it takes.
  if (typeof value === 'bigint') return JSON.rawJSON(String(value))
  if (typeof value !== 'object' || value === null) return value
  if (kindOf(value) !== 'map' && fieldsOfClass(value) === undefined) return value
  const sorted: Record<string, unknown> = Object.create(null)
  for (const [key, item] of mapEntries(value)) sorted[key] = item
  return sorted
}
