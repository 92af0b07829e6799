import { exponential, printFloat, printValue } from './go-print.ts'
import { quoteGo } from './go-quote.ts'
import { expectInt, kindOf, mapEntries, stringOf, typeName } from './value.ts'

/**
 * Go's Sprintf for the verbs that make sense for template data: `%v %+v %d %s %q %x %X %o %b %c
 * %U %t %f %e %g %T %%` with flags, width, precision and `*`. A verb that does not fit its value
 * is not an error but is printed, as `%!d(string=a)`.
 *
 * Source: Go fmt "Printing", "Format errors"
 */
export function sprintf(format: string, values: readonly unknown[]): string {
  let used = 0
  const takeInt = (): number => expectInt(values[used++])
  const output = format.replace(directive, (_whole, flags, width, precision, verb) => {
    if (verb === undefined) return '%!(NOVERB)'
    if (verb === '%') return '%'
    const options: Options = {
      isLeft: flags.includes('-'),
      isZero: flags.includes('0'),
      isSigned: flags.includes('+'),
      isSpaced: flags.includes(' '),
      isSharp: flags.includes('#'),
      width: width === '*' ? takeInt() : Number(width || 0),
      precision: precision === '.*' ? takeInt() : toPrecision(precision),
    }
    if (used >= values.length) return `%!${verb}(MISSING)`
    const value = values[used++]
    return pad(formatVerb(value, verb, options), options, value)
  })
  if (used >= values.length) return output
  const extra = values.slice(used).map((value) => named(value))
  return `${output}%!(EXTRA ${extra.join(', ')})`
}

// A format such as %999999999d would only fill memory.
const maxWidth = 1_000_000
const directive = /%([-+# 0]*)(\d+|\*)?(\.\d*|\.\*)?([\s\S])?/gu

interface Options {
  readonly isLeft: boolean
  readonly isZero: boolean
  readonly isSigned: boolean
  readonly isSpaced: boolean
  readonly isSharp: boolean
  readonly width: number
  readonly precision: number | undefined
}

function toPrecision(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text.slice(1) || 0)
}

function formatVerb(value: unknown, verb: string, options: Options): string {
  if (verb === 'T') return typeName(value)
  if (verb === 'v') return formatDefault(value, options)
  switch (kindOf(value)) {
    case 'list':
      return `[${(value as readonly unknown[]).map((item) => formatVerb(item, verb, options)).join(' ')}]`
    case 'map':
      return `map[${mapEntries(value)
        .map(
          ([key, item]) => `${formatVerb(key, verb, options)}:${formatVerb(item, verb, options)}`,
        )
        .join(' ')}]`
    case 'struct':
      return `{${mapEntries(value)
        .map(([, item]) => formatVerb(item, verb, options))
        .join(' ')}}`
    case 'string':
      return formatString(stringOf(value), verb, options) ?? wrongVerb(value, verb)
    case 'bool':
      return verb === 't' ? String(value) : wrongVerb(value, verb)
    case 'int':
      return formatInt(BigInt(value as number | bigint), verb, options) ?? wrongVerb(value, verb)
    case 'float':
      return formatFloat(value as number, verb, options) ?? wrongVerb(value, verb)
    default:
      return wrongVerb(value, verb)
  }
}

function formatDefault(value: unknown, options: Options): string {
  const kind = kindOf(value)
  if (options.isSharp && kind === 'string') return quoteGo(stringOf(value))
  if (kind === 'int') return formatInt(BigInt(value as number | bigint), 'd', options) ?? ''
  if (kind === 'float' && options.precision !== undefined) {
    return formatFloat(value as number, 'g', options) ?? ''
  }
  return printValue(value, options.isSigned)
}

function formatString(text: string, verb: string, options: Options): string | undefined {
  const cut =
    options.precision === undefined ? text : [...text].slice(0, options.precision).join('')
  if (verb === 's') return cut
  if (verb === 'q') return quoteGo(cut)
  if (verb === 'x') return Buffer.from(cut).toString('hex')
  if (verb === 'X') return Buffer.from(cut).toString('hex').toUpperCase()
  return undefined
}

const radixes: Readonly<Record<string, number>> = { b: 2, o: 8, d: 10, x: 16, X: 16 }

function formatInt(value: bigint, verb: string, options: Options): string | undefined {
  const point = value >= 0n && value <= 0x10ffffn ? Number(value) : 0xfffd
  if (verb === 'c') return String.fromCodePoint(point)
  if (verb === 'q') return quoteGo(String.fromCodePoint(point), "'")
  if (verb === 'U') return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`
  const radix = radixes[verb]
  if (radix === undefined) return undefined
  const prefix = options.isSharp ? { x: '0x', X: '0X', o: '0', b: '0b' }[verb] : undefined
  const digits = (value < 0n ? -value : value).toString(radix).padStart(options.precision ?? 0, '0')
  return (
    signOf(value < 0n, options) + (prefix ?? '') + (verb === 'X' ? digits.toUpperCase() : digits)
  )
}

function formatFloat(value: number, verb: string, options: Options): string | undefined {
  const size = Math.abs(value)
  const { precision } = options
  const digits = {
    f: () => size.toFixed(Math.min(precision ?? 6, 100)),
    F: () => size.toFixed(Math.min(precision ?? 6, 100)),
    e: () => exponential(size, Math.min(precision ?? 6, 100)),
    E: () => exponential(size, Math.min(precision ?? 6, 100)).toUpperCase(),
    g: () => (precision === undefined ? printFloat(size) : significant(size, precision)),
  }[verb]
  if (digits === undefined) return undefined
  return Number.isFinite(value) ? signOf(value < 0, options) + digits() : printFloat(value)
}

function significant(size: number, precision: number): string {
  const digits = Math.min(Math.max(precision, 1), 100)
  const rounded = Number(size.toPrecision(digits))
  const isExponential = rounded !== 0 && (rounded < 1e-4 || rounded >= 10 ** digits)
  return isExponential ? exponential(rounded) : String(rounded)
}

function signOf(isNegative: boolean, options: Options): string {
  return isNegative ? '-' : options.isSigned ? '+' : options.isSpaced ? ' ' : ''
}

function pad(text: string, options: Options, value: unknown): string {
  const missing = Math.min(Math.abs(options.width), maxWidth) - [...text].length
  if (missing <= 0) return text
  if (options.isLeft || options.width < 0) return text + ' '.repeat(missing)
  const isNumber = kindOf(value) === 'int' || kindOf(value) === 'float'
  if (!options.isZero || !isNumber) return ' '.repeat(missing) + text
  const sign = /^[+\- ]/.exec(text)?.[0] ?? ''
  return sign + '0'.repeat(missing) + text.slice(sign.length)
}

function wrongVerb(value: unknown, verb: string): string {
  return `%!${verb}(${named(value)})`
}

/** `int=3`: how a value is shown where it did not fit. */
function named(value: unknown): string {
  const kind = kindOf(value)
  return kind === 'nil' || kind === 'none' ? '<nil>' : `${typeName(value)}=${printValue(value)}`
}
