import { TsctrError } from '../errors.ts'
import { hostPlatform } from '../host/platform.ts'
import type { PlatformSelection } from '../image/image-parts.ts'
import { type Platform, parsePlatform } from '../oci/platform.ts'

export interface ArchivePlatformFlags {
  readonly platform?: readonly Platform[]
  readonly allPlatforms?: boolean
}

/** Values of `--platform`, which takes several in one, as docker's does. @throws INVALID_ARGUMENT */
export function parsePlatforms(text: string, before: readonly Platform[] = []): Platform[] {
  const host = hostPlatform()
  return [...before, ...text.split(',').map((each) => parsePlatform(each, host))]
}

/** @throws INVALID_ARGUMENT for flags that exclude each other */
export function selectedPlatforms(flags: ArchivePlatformFlags): PlatformSelection {
  if (flags.allPlatforms !== true) return flags.platform ?? 'here'
  if (flags.platform === undefined) return 'all'
  throw new TsctrError('INVALID_ARGUMENT', '--all-platforms cannot be used with --platform')
}
