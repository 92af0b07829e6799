import { TsctrError } from '../errors.ts'
import { suitsWindows } from './windows-version.ts'

/** Source: OCI image-spec §image-index.md#image-index-property-descriptions */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
  /** Counts for Windows alone. */
  readonly osVersion?: string | undefined
  readonly osFeatures?: readonly string[] | undefined
}

const knownSystems: ReadonlySet<string> = new Set([
  ...['aix', 'android', 'darwin', 'dragonfly', 'freebsd', 'hurd', 'illumos', 'ios', 'js', 'linux'],
  ...['nacl', 'netbsd', 'openbsd', 'plan9', 'solaris', 'wasip1', 'windows', 'zos'],
])

const architectureAliases: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['i386', '386'],
  ['i686', '386'],
  ['aarch64', 'arm64'],
  ['armhf', 'arm'],
  ['armel', 'arm'],
])

/** Whatever variant stands with it, the name says it. */
const impliedVariants: ReadonlyMap<string, string | undefined> = new Map([
  ['i386', undefined],
  ['i686', undefined],
  ['armhf', 'v7'],
  ['armel', 'v6'],
])

/** Other spellings of a variant, by architecture; the empty one is what stands without a variant. */
const variantSpellings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  amd64: { v1: '' },
  arm64: { '8': '', v8: '', 'v8.0': '', '9': 'v9', 'v9.0': 'v9' },
  arm: { '': 'v7', '5': 'v5', '6': 'v6', '7': 'v7', '8': 'v8' },
}

/**
 * Read `os/arch[/variant]`, `arch` or `os` as typed for `--platform`; an os may name its version,
 * `windows(10.0.17763)/amd64`.
 *
 * @param host  fills in what is not said
 * @throws      INVALID_ARGUMENT
 * Source: containerd/platforms platforms.go Parse
 */
export function parsePlatform(text: string, host: Platform): Platform {
  const form =
    /^(?<first>[\w.-]+)(?:\((?<version>[\w.-]*)\))?(?:\/(?<second>[\w.-]+)(?:\/(?<third>[\w.-]+))?)?$/
  const { first, version, second, third } = form.exec(text.toLowerCase())?.groups ?? {}
  if (first === undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `platform ${text}: must be OS/ARCH or OS/ARCH/VARIANT`)
  }
  const osVersion = version || undefined
  if (second !== undefined) {
    return normalizePlatform({ os: first, architecture: second, variant: third, osVersion })
  }
  return normalizePlatform(
    knownSystems.has(systemName(first))
      ? { ...host, os: first, osVersion }
      : { os: host.os, architecture: first },
  )
}

/**
 * Give aliases their one name and leave out variants that say nothing (`arm64/v8`, `amd64/v1`).
 *
 * Source: containerd/platforms database.go normalizeArch
 */
export function normalizePlatform(platform: Platform): Platform {
  const typed = platform.architecture.toLowerCase()
  const architecture = architectureAliases.get(typed) ?? typed
  const said = platform.variant?.toLowerCase() ?? ''
  const spelled = impliedVariants.has(typed) ? (impliedVariants.get(typed) ?? '') : said
  const spellings = variantSpellings[architecture] ?? {}
  const variant = Object.hasOwn(spellings, spelled) ? spellings[spelled] : spelled
  return {
    os: systemName(platform.os),
    architecture,
    variant: variant || undefined,
    osVersion: platform.osVersion,
    ...(platform.osFeatures === undefined ? {} : { osFeatures: platform.osFeatures }),
  }
}

/** `linux/arm/v7` */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`
}

/**
 * Platforms whose programs run where those of `wanted` do, best first.
 *
 * Source: containerd/platforms compare.go platformVector
 */
export function runnablePlatforms(wanted: Platform): Platform[] {
  const own = normalizePlatform(wanted)
  const of = (architecture: string, variant?: string): Platform =>
    normalizePlatform({ ...own, architecture, variant })
  switch (own.architecture) {
    case 'amd64':
      return [
        own,
        ...countDown(levelOf(own.variant) - 1, 1).map((n) => of('amd64', `v${n}`)),
        of('386'),
      ]
    case 'arm':
      return [own, ...armBelow(own.variant).map((variant) => of('arm', variant))]
    case 'arm64': {
      const { variant = 'v8' } = own
      // No arm64 is named after what it is to 32-bit programs: they see an ARMv8.
      const as32Bit = /^v[89]\./.test(variant) ? 'v8' : variant
      return [
        own,
        ...arm64Below(variant).map((below) => of('arm64', below)),
        ...[as32Bit, ...armBelow(as32Bit)].map((below) => of('arm', below)),
      ]
    }
    default:
      return [own]
  }
}

/**
 * Whether an image made for `offered` is what `wanted` names: no older variant, no other machine
 * that would run it too. A version counts for Windows only, features must all be there.
 *
 * Source: containerd/platforms platforms.go NewMatcher
 */
export function isPlatformMatch(wanted: Platform, offered: Platform): boolean {
  const features = wanted.osFeatures ?? []
  return (
    isSamePlatform(wanted, offered) &&
    (offered.osFeatures ?? []).every((feature) => features.includes(feature)) &&
    (systemName(wanted.os) !== 'windows' || suitsWindows(wanted.osVersion, offered.osVersion))
  )
}

/** How well an image made for `offered` suits: 0 is best; undefined if it does not run there. */
export function platformRank(wanted: Platform, offered: Platform): number | undefined {
  const runnable = runnableBy.get(wanted) ?? runnablePlatforms(wanted)
  runnableBy.set(wanted, runnable)
  const rank = runnable.findIndex((each) => isPlatformMatch(each, offered))
  return rank < 0 ? undefined : rank
}

/** A listing asks about one platform for hundreds of images. */
const runnableBy = new WeakMap<Platform, readonly Platform[]>()

/** Whether two platforms name the same one. */
export function isSamePlatform(a: Platform, b: Platform): boolean {
  const [one, other] = [normalizePlatform(a), normalizePlatform(b)]
  return (
    one.os === other.os && one.architecture === other.architecture && one.variant === other.variant
  )
}

function systemName(os: string): string {
  const name = os.toLowerCase() || 'linux'
  return name === 'macos' ? 'darwin' : name
}

/** The number of `v3`; 0 where there is none. */
function levelOf(variant: string | undefined): number {
  return Number(/^v(\d+)$/.exec(variant ?? '')?.[1] ?? 0)
}

function armBelow(variant: string | undefined): string[] {
  return countDown(levelOf(variant) - 1, 5).map((n) => `v${n}`)
}

/** `v8.2`: v8.1, v8. ARMv9.0 grew out of v8.5, so that v9.1 runs what v8.6 does. */
function arm64Below(variant: string): string[] {
  const [, major, minor = '0'] = /^v([89])(?:\.(\d))?$/.exec(variant) ?? []
  if (major === undefined) return []
  const below = (from: number, name: string): string[] =>
    countDown(from, 0).map((n) => (n === 0 ? name : `${name}.${n}`))
  const own = below(Number(minor) - 1, `v${major}`)
  return major === '8' ? own : [...own, ...below(Number(minor) + 5, 'v8')]
}

function countDown(from: number, to: number): number[] {
  const numbers: number[] = []
  for (let number = from; number >= to; number -= 1) numbers.push(number)
  return numbers
}
