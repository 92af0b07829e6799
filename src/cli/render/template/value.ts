import { ValueProblem } from './template-error.ts'

/**
 * How JavaScript data looks to a template. Of an object only own properties exist; an object of a
 * class with getters is a Go struct, whose fields are those and whose methods are its methods.
 *
 * - A `Map`, or an object made without a prototype, is a Go map.
 * - Another object is a Go struct when all its keys are exported Go names (`Id`, `HostConfig`) and
 *   there is at least one; otherwise it is a map (`{ "80/tcp": … }`, `{ "com.example": … }`).
 * - `null` is nil; `undefined` is no value.
 */
export type Kind =
  | 'none'
  | 'nil'
  | 'bool'
  | 'int'
  | 'float'
  | 'string'
  | 'list'
  | 'map'
  | 'struct'
  | 'func'

export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'undefined':
      return 'none'
    case 'boolean':
      return 'bool'
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float'
    case 'bigint':
      return 'int'
    case 'function':
      return 'func'
    case 'object':
      if (value === null) return 'nil'
      if (Array.isArray(value)) return 'list'
      if (value instanceof Date) return 'string'
      return isMap(value) ? 'map' : 'struct'
    default:
      return 'string'
  }
}

/** The type's name in messages. */
export function typeName(value: unknown): string {
  const kind = kindOf(value)
  const names: Partial<Record<Kind, string>> = {
    none: '<nil>',
    nil: '<nil>',
    float: 'float64',
    list: '[]interface {}',
    map: 'map[string]interface {}',
  }
  return names[kind] ?? kind
}

/** Go's truth: false, 0, nil and whatever is empty are false; a struct is always true. */
export function isTrue(value: unknown): boolean {
  switch (kindOf(value)) {
    case 'list':
      return (value as readonly unknown[]).length > 0
    case 'map':
      return mapEntries(value).length > 0
    case 'struct':
    case 'func':
      return true
    default:
      return Boolean(value)
  }
}

/** A map's keys and values, sorted by key as Go walks and prints them; a struct's in their order. */
export function mapEntries(value: unknown): Array<[string, unknown]> {
  const fields = fieldsOfClass(value as object)
  if (fields !== undefined) return fields.map((name) => [name, Reflect.get(value as object, name)])
  const entries =
    value instanceof Map
      ? [...value].map(([key, item]): [string, unknown] => [String(key), item])
      : Object.entries(value as object)
  if (kindOf(value) !== 'map') return entries.filter(([, item]) => typeof item !== 'function')
  return entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

/** The value under a key of a map or a field of a struct; undefined if there is none. */
export function memberOf(value: unknown, name: string): unknown {
  if (value instanceof Map) return value.get(name)
  if (typeof value !== 'object' || value === null) return undefined
  const isMember = membersOfClass(value)?.has(name) ?? Object.hasOwn(value, name)
  return isMember ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

/** Names and values of all fields and methods of a struct. */
export function membersOf(value: object): [string, unknown][] {
  const members = membersOfClass(value)
  if (members === undefined) return Object.entries(value)
  return [...members.keys()].map((name) => [name, Reflect.get(value, name)])
}

/** The fields of an object of a class with getters, in the order of the class; else undefined. */
export function fieldsOfClass(value: object): readonly string[] | undefined {
  const members = membersOfClass(value)
  return members && [...members].flatMap(([name, kind]) => (kind === 'field' ? [name] : []))
}

type Members = ReadonlyMap<string, 'field' | 'method'>

const knownClasses = new WeakMap<object, Members | undefined>()

function membersOfClass(value: object): Members | undefined {
  const prototype: object | null = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return undefined
  if (!knownClasses.has(prototype)) knownClasses.set(prototype, readMembers(prototype))
  return knownClasses.get(prototype)
}

function readMembers(prototype: object): Members | undefined {
  const properties = Object.entries(Object.getOwnPropertyDescriptors(prototype))
  const members = properties.flatMap(([name, { get }]): [string, 'field' | 'method'][] =>
    fieldName.test(name) ? [[name, get === undefined ? 'method' : 'field']] : [],
  )
  return members.some(([, kind]) => kind === 'field') ? new Map(members) : undefined
}

const fieldName = /^\p{Lu}[\p{L}\p{N}_]*$/u

/** The text of a string value. */
export function stringOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value)
}

/** `value` as the string a function asks for. */
export function expectString(value: unknown): string {
  if (kindOf(value) === 'string') return stringOf(value)
  throw new ValueProblem(`wrong type for value; expected string; got ${typeName(value)}`)
}

/** `value` as the int a function asks for. */
export function expectInt(value: unknown): number {
  if (kindOf(value) === 'int') return Number(value)
  throw new ValueProblem(`wrong type for value; expected int; got ${typeName(value)}`)
}

function isMap(value: object): boolean {
  if (value instanceof Map || Object.getPrototypeOf(value) === null) return true
  if (membersOfClass(value) !== undefined) return false
  const keys = Object.keys(value)
  return keys.length === 0 || !keys.every((key) => fieldName.test(key))
}
