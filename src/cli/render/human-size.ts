const decimalUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB']
const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB']

/**
 * A size in powers of 1000, as docker shows sizes of images and containers: `0B`, `21.5MB`.
 *
 * @param digits  significant digits; docker's tables use 3, its other output 4
 */
export function humanSize(bytes: number, digits = 4): string {
  const { value, unit } = scale(bytes, 1000, decimalUnits, digits)
  return `${value}${unit}`
}

/** A size in powers of 1024 with four digits, as docker shows memory: `12.5MiB`. */
export function humanMemory(bytes: number): string {
  const { value, unit } = scale(bytes, 1024, binaryUnits, 4)
  return `${value}${unit}`
}

/** A size in powers of 1024 with one decimal, as progress shows it: `3.2 MiB`, `512 B`. */
export function humanTransfer(bytes: number): string {
  let [value, power] = [bytes, 0]
  for (; value >= 1023.95 && power < binaryUnits.length - 1; power++) value /= 1024
  return `${power === 0 ? Math.round(value) : value.toFixed(1)} ${binaryUnits[power]}`
}

interface Scaled {
  readonly value: number
  readonly unit: string
}

/** The value is rounded before its unit is chosen: 999.96 kB is `1MB`, not `1e+03kB`. */
function scale(bytes: number, base: number, units: readonly string[], digits: number): Scaled {
  let [value, power] = [bytes, 0]
  const last = units.length - 1
  for (; value >= base && power < last; power++) value /= base
  const shown = rounded(value, digits)
  if (shown < base || power === last) return { value: shown, unit: units[power] ?? '' }
  return { value: rounded(value / base, digits), unit: units[power + 1] ?? '' }
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits))
}
