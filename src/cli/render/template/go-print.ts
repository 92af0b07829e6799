import { kindOf, mapEntries, stringOf } from './value.ts'

/** `value` as Go's `%v` writes it: `[a b]`, `map[k:v]`, `{a 1}`, `<nil>`. */
export function printValue(value: unknown, withNames = false): string {
  switch (kindOf(value)) {
    case 'none':
    case 'nil':
      return '<nil>'
    case 'float':
      return printFloat(value as number)
    case 'list':
      return `[${(value as readonly unknown[]).map((item) => printValue(item, withNames)).join(' ')}]`
    case 'map':
      return `map[${mapEntries(value)
        .map(([key, item]) => `${key}:${printValue(item, withNames)}`)
        .join(' ')}]`
    case 'struct':
      return `{${mapEntries(value)
        .map(([key, item]) => (withNames ? `${key}:` : '') + printValue(item, withNames))
        .join(' ')}}`
    case 'func':
      return 'func'
    default:
      return stringOf(value)
  }
}

/** Go's `print`: a space between two operands unless one of them is a string. */
export function printAll(values: readonly unknown[]): string {
  return values
    .map((value, index) => {
      const isApart =
        index > 0 && kindOf(value) !== 'string' && kindOf(values[index - 1]) !== 'string'
      return (isApart ? ' ' : '') + printValue(value)
    })
    .join('')
}

/** Shortest digits that read back the same, with an exponent below 1e-4 and from 1e6 on. */
export function printFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  return size !== 0 && (size < 1e-4 || size >= 1e6) ? exponential(value) : String(value)
}

/** `1.5e+06`: an exponent has two digits or more. */
export function exponential(value: number, fractionDigits?: number): string {
  return value.toExponential(fractionDigits).replace(/e([+-])(\d)$/, 'e$10$2')
}
