import { stringifyJson } from '../json.ts'
import { compare, isEqualToAny } from './compare.ts'
import { printAll, printValue } from './go-print.ts'
import { sprintf } from './go-printf.ts'
import { ValueProblem } from './template-error.ts'
import {
  expectInt,
  expectString,
  isTrue,
  kindOf,
  mapEntries,
  memberOf,
  stringOf,
  typeName,
} from './value.ts'

export interface TemplateFunction {
  readonly minArguments: number
  readonly maxArguments: number
  readonly call: (values: readonly unknown[]) => unknown
}

export type Functions = ReadonlyMap<string, TemplateFunction>

/** A function that takes `count` arguments, or `min` and more. */
export function templateFunction(
  count: number | { readonly min: number },
  call: (...values: unknown[]) => unknown,
): TemplateFunction {
  const [minArguments, maxArguments] =
    typeof count === 'number' ? [count, count] : [count.min, Number.POSITIVE_INFINITY]
  return { minArguments, maxArguments, call: (values) => call(...values) }
}

/**
 * What a format may call. `and` and `or` are here for their names and counts only: they leave
 * arguments unevaluated, so the executor does their work.
 *
 * Source: Go text/template "Functions"; docker "Format command and log output"
 */
export const functions: Functions = new Map([
  ['and', templateFunction({ min: 1 }, () => undefined)],
  ['or', templateFunction({ min: 1 }, () => undefined)],
  ['not', templateFunction(1, (value) => !isTrue(value))],
  ['eq', templateFunction({ min: 2 }, (first, ...others) => isEqualToAny(first, others))],
  ['ne', templateFunction(2, (a, b) => !isEqualToAny(a, [b]))],
  ['lt', templateFunction(2, (a, b) => compare(a, b) < 0)],
  ['le', templateFunction(2, (a, b) => compare(a, b) <= 0)],
  ['gt', templateFunction(2, (a, b) => compare(a, b) > 0)],
  ['ge', templateFunction(2, (a, b) => compare(a, b) >= 0)],
  ['index', templateFunction({ min: 1 }, (value, ...keys) => keys.reduce(elementOf, value))],
  ['slice', templateFunction({ min: 1 }, sliceOf)],
  ['len', templateFunction(1, lengthOf)],
  ['print', templateFunction({ min: 0 }, (...values) => printAll(values))],
  [
    'printf',
    templateFunction({ min: 1 }, (format, ...rest) => sprintf(expectString(format), rest)),
  ],
  [
    'println',
    templateFunction(
      { min: 0 },
      (...values) => `${values.map((value) => printValue(value)).join(' ')}\n`,
    ),
  ],
  ['json', templateFunction(1, (value) => stringifyJson(value))],
  [
    'split',
    templateFunction(2, (text, separator) =>
      splitText(expectString(text), expectString(separator)),
    ),
  ],
  ['join', templateFunction(2, (list, separator) => joinList(list, expectString(separator)))],
  ['title', templateFunction(1, (text) => titleCase(expectString(text)))],
  ['lower', templateFunction(1, (text) => expectString(text).toLowerCase())],
  ['upper', templateFunction(1, (text) => expectString(text).toUpperCase())],
  [
    'pad',
    templateFunction(3, (text, before, after) =>
      pad(expectString(text), expectInt(before), expectInt(after)),
    ),
  ],
  [
    'truncate',
    templateFunction(2, (text, length) => truncate(expectString(text), expectInt(length))),
  ],
])

/** Go's `index`: an element of a list, a byte of a string, the value under a key of a map. */
function elementOf(value: unknown, key: unknown): unknown {
  switch (kindOf(value)) {
    case 'list':
      return (value as readonly unknown[])[checkIndex(key, (value as readonly unknown[]).length)]
    case 'string': {
      const bytes = Buffer.from(stringOf(value))
      return bytes[checkIndex(key, bytes.length)]
    }
    case 'map':
    // docker falls back to the object's JSON, where a struct is a map too.
    case 'struct':
      return indexMap(value, key)
    case 'nil':
    case 'none':
      throw new ValueProblem('index of untyped nil')
    default:
      throw new ValueProblem(`can't index item of type ${typeName(value)}`)
  }
}

function indexMap(map: unknown, key: unknown): unknown {
  if (kindOf(key) !== 'string') {
    throw new ValueProblem(`value has type ${typeName(key)}; should be string`)
  }
  const found = memberOf(map, stringOf(key))
  if (found !== undefined) return found
  // Maps of strings, labels above all, give "" for a missing key: scripts test it with `if`.
  return mapEntries(map).every(([, item]) => kindOf(item) === 'string') ? '' : undefined
}

function sliceOf(value: unknown, ...bounds: unknown[]): unknown {
  const kind = kindOf(value)
  if (bounds.length > 3) throw new ValueProblem(`too many slice indexes: ${bounds.length}`)
  if (kind === 'string' && bounds.length === 3)
    throw new ValueProblem('cannot 3-index slice a string')
  if (kind !== 'string' && kind !== 'list') {
    throw new ValueProblem(`can't slice item of type ${typeName(value)}`)
  }
  const items = kind === 'string' ? Buffer.from(stringOf(value)) : (value as readonly unknown[])
  const [start = 0, end = items.length] = bounds.map((bound) => checkIndex(bound, items.length + 1))
  if (start > end) throw new ValueProblem(`invalid slice index: ${start} > ${end}`)
  const part = items.slice(start, end)
  return Buffer.isBuffer(part) ? part.toString() : part
}

function checkIndex(key: unknown, length: number): number {
  if (kindOf(key) !== 'int') {
    throw new ValueProblem(`cannot index slice/array with type ${typeName(key)}`)
  }
  const index = Number(key)
  if (index >= 0 && index < length) return index
  throw new ValueProblem(`index out of range: ${index}`)
}

/** A string's length is in bytes, as in Go. */
function lengthOf(value: unknown): number {
  switch (kindOf(value)) {
    case 'string':
      return Buffer.byteLength(stringOf(value))
    case 'list':
      return (value as readonly unknown[]).length
    case 'map':
      return mapEntries(value).length
    case 'nil':
      // What is null here is an empty list or map in docker's own data.
      return 0
    case 'none':
      throw new ValueProblem('len of untyped nil')
    default:
      throw new ValueProblem(`len of type ${typeName(value)}`)
  }
}

function splitText(text: string, separator: string): string[] {
  return separator === '' ? [...text] : text.split(separator)
}

function joinList(list: unknown, separator: string): string {
  if (list === null) return ''
  if (!Array.isArray(list)) {
    throw new ValueProblem(`wrong type for value; expected []string; got ${typeName(list)}`)
  }
  return list.map((item) => printValue(item)).join(separator)
}

function titleCase(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}_'])\p{L}/gu, (letter) => letter.toUpperCase())
}

/** Spaces before and after, but none around nothing. */
function pad(text: string, before: number, after: number): string {
  return text === '' ? '' : ' '.repeat(checkCount(before)) + text + ' '.repeat(checkCount(after))
}

function truncate(text: string, length: number): string {
  // Characters, not Go's bytes: half a character helps nobody.
  return [...text].slice(0, checkCount(length)).join('')
}

function checkCount(count: number): number {
  if (count >= 0 && count <= 1_000_000) return count
  throw new ValueProblem(`count out of range: ${count}`)
}
