import { TsctrError } from '../errors.ts'

/** Source: OCI image-spec §image-index.md#image-index-property-descriptions */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
  readonly osVersion?: string | undefined
}

const architectureAliases: ReadonlyMap<string, readonly [string, string | undefined]> = new Map([
  ['x86_64', ['amd64', undefined]],
  ['x86-64', ['amd64', undefined]],
  ['i386', ['386', undefined]],
  ['i686', ['386', undefined]],
  ['aarch64', ['arm64', undefined]],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
])

/**
 * Read `os/arch[/variant]`, `arch` or `os` as typed for `--platform`.
 *
 * @param host  fills in what is not said
 * @throws      INVALID_ARGUMENT
 * Source: containerd/platforms platforms.go Parse
 */
export function parsePlatform(text: string, host: Platform): Platform {
  const parts = text.toLowerCase().split('/')
  const [first, second, third] = parts
  const isWellFormed = parts.length <= 3 && parts.every((part) => /^[a-z0-9_.-]+$/.test(part))
  if (!isWellFormed || first === undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `platform ${text}: must be OS/ARCH or OS/ARCH/VARIANT`)
  }
  if (second !== undefined) {
    return normalizePlatform({ os: first, architecture: second, variant: third })
  }
  const isOs = ['linux', 'windows', 'darwin', 'freebsd', 'wasip1'].includes(first)
  return normalizePlatform(isOs ? { ...host, os: first } : { os: host.os, architecture: first })
}

/** Give aliases their one name and leave out variants that say nothing (`arm64/v8`, `amd64/v1`). */
export function normalizePlatform(platform: Platform): Platform {
  const architecture = platform.architecture.toLowerCase()
  const [name, impliedVariant] = architectureAliases.get(architecture) ?? [architecture, undefined]
  const variant = platform.variant?.toLowerCase() || impliedVariant
  const isDefault = (name === 'arm64' && variant === 'v8') || (name === 'amd64' && variant === 'v1')
  return {
    os: (platform.os || 'linux').toLowerCase(),
    architecture: name,
    variant: isDefault ? undefined : (variant ?? (name === 'arm' ? 'v7' : undefined)),
    osVersion: platform.osVersion,
  }
}

/** `linux/arm/v7` */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`
}

/**
 * Platforms that a machine runs, best first.
 *
 * Source: containerd/platforms compare.go platformVector
 */
export function runnablePlatforms(wanted: Platform): Platform[] {
  const { os, architecture, variant } = normalizePlatform(wanted)
  const make = (arch: string, v?: string): Platform =>
    normalizePlatform({ os, architecture: arch, variant: v })
  const level = Number(/^v(\d+)/.exec(variant ?? '')?.[1] ?? Number.NaN)
  if (architecture === 'amd64') {
    const levels = countDown(Number.isNaN(level) ? 1 : level, 1).map((n) => make('amd64', `v${n}`))
    return [...levels, make('386')]
  }
  if (architecture === 'arm') {
    return countDown(Number.isNaN(level) ? 7 : level, 5).map((n) => make('arm', `v${n}`))
  }
  if (architecture === 'arm64') {
    const own = variant === undefined ? [] : [make('arm64', variant)]
    return [...own, make('arm64'), ...countDown(8, 5).map((n) => make('arm', `v${n}`))]
  }
  return [make(architecture, variant)]
}

/** Whether two platforms name the same one. */
export function isSamePlatform(a: Platform, b: Platform): boolean {
  return formatPlatform(normalizePlatform(a)) === formatPlatform(normalizePlatform(b))
}

function countDown(from: number, to: number): number[] {
  const numbers: number[] = []
  for (let number = from; number >= to; number -= 1) numbers.push(number)
  return numbers
}
