/**
 * Order tags by the versions they name, lowest first: `7`, `v7.2`, `7.2.1-rc.1`; tags that name
 * none come before all that do, by name.
 *
 * Source: semver.org §11; parts that are left out count as 0, and come before what says them
 */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [parseVersion(a), parseVersion(b)]
  if (one === undefined || other === undefined) {
    if (one === undefined && other === undefined) return compareText(a, b)
    return one === undefined ? -1 : 1
  }
  for (const index of [0, 1, 2]) {
    const difference = compareNumbers(one.numbers[index] ?? '0', other.numbers[index] ?? '0')
    if (difference !== 0) return difference
  }
  return (
    comparePrerelease(one.prerelease, other.prerelease) ||
    one.numbers.length - other.numbers.length ||
    compareText(a, b)
  )
}

interface Version {
  /** One to three, as typed. */
  readonly numbers: readonly string[]
  readonly prerelease: readonly string[]
}

function parseVersion(text: string): Version | undefined {
  const match = /^v?(\d+(?:\.\d+){0,2})(?:-([\w.-]+))?$/.exec(text)
  if (match === null) return undefined
  const [, numbers = '', prerelease] = match
  return { numbers: numbers.split('.'), prerelease: prerelease?.split('.') ?? [] }
}

/** A version comes after all that lead to it. */
function comparePrerelease(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [one, other] = [a[index], b[index]]
    if (one === undefined || other === undefined) return a.length - b.length
    const difference = compareIdentifiers(one, other)
    if (difference !== 0) return difference
  }
  return 0
}

function compareIdentifiers(a: string, b: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (isNumber && isOtherNumber) return compareNumbers(a, b)
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1
  return compareText(a, b)
}

/** Dates and build numbers may be too long for a number. */
function compareNumbers(a: string, b: string): number {
  const [one, other] = [BigInt(a), BigInt(b)]
  return one < other ? -1 : one > other ? 1 : 0
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
