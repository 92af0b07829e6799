/**
 * What is known to be wrong with a version of runc.
 *
 * @param version  as `runc --version` says: `1.1.5+ds1`
 * @returns        a sentence for the user; undefined if nothing is known, or the version is not one
 * Source: opencontainers/runc advisories of 5 Nov 2025 (masked paths, /dev/console, procfs writes)
 */
export function runcFaults(version: string): string | undefined {
  const found = parseVersion(version)
  if (found === undefined) return undefined
  const [, minor] = found
  const fixed = fixedIn.find(([, line]) => line === minor)
  const isFixed = fixed === undefined ? compare(found, newestLine) >= 0 : compare(found, fixed) >= 0
  if (isFixed) return undefined
  return (
    `runc ${version}: containers may write to the host through /proc ` +
    '(CVE-2025-31133, CVE-2025-52565, CVE-2025-52881); 1.2.8, 1.3.3 and later are fixed, ' +
    'and so may be the package of a distribution'
  )
}

/** Major, minor, patch, release candidate (a release counts as the last of them). */
type Version = readonly [number, number, number, number]

const release = Number.POSITIVE_INFINITY
const newestLine: Version = [1, 4, 0, 3]
const fixedIn: readonly Version[] = [[1, 2, 8, release], [1, 3, 3, release], newestLine]

function parseVersion(text: string): Version | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:-rc\.?(\d+))?/.exec(text)
  if (match === null) return undefined
  const [, major, minor, patch, candidate] = match
  return [Number(major), Number(minor), Number(patch), Number(candidate ?? release)]
}

function compare(a: Version, b: Version): number {
  for (const index of [0, 1, 2, 3] as const) {
    if (a[index] !== b[index]) return a[index] < b[index] ? -1 : 1
  }
  return 0
}
