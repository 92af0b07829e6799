import { ValueProblem } from './template-error.ts'
import { type Kind, kindOf, stringOf, typeName } from './value.ts'

/** Go's `eq`: whether the first value equals any of the others. */
export function isEqualToAny(first: unknown, others: readonly unknown[]): boolean {
  return others.some((other) => isEqual(first, other))
}

/** Less than zero, zero or more for `lt le gt ge`; only numbers and strings have an order. */
export function compare(a: unknown, b: unknown): number {
  const kind = commonKind(a, b)
  if (kind === 'string') {
    // Go orders strings by their bytes.
    return Buffer.compare(Buffer.from(stringOf(a)), Buffer.from(stringOf(b)))
  }
  if (kind !== 'int') throw new ValueProblem('invalid type for comparison')
  const [left, right] = [a as number | bigint, b as number | bigint]
  return left < right ? -1 : left > right ? 1 : 0
}

function isEqual(a: unknown, b: unknown): boolean {
  for (const value of [a, b]) {
    if (['list', 'map', 'struct', 'func'].includes(kindOf(value))) {
      throw new ValueProblem(`non-comparable type ${typeName(value)}`)
    }
  }
  if (isNil(a) || isNil(b)) return isNil(a) && isNil(b)
  const kind = commonKind(a, b)
  if (kind === 'string') return stringOf(a) === stringOf(b)
  // A number and a bigint are equal when their values are.
  return kind === 'int' ? Number(a) === Number(b) : a === b
}

function isNil(value: unknown): boolean {
  return value === null || value === undefined
}

/** The kind of both; JavaScript keeps ints and floats apart no further than Go's literals do. */
function commonKind(a: unknown, b: unknown): Kind {
  const [left, right] = [numberKind(a), numberKind(b)]
  if (left !== right) throw new ValueProblem('incompatible types for comparison')
  return left
}

function numberKind(value: unknown): Kind {
  const kind = kindOf(value)
  return kind === 'float' ? 'int' : kind
}
