import { hostPlatform } from '../host/platform.ts'
import { formatPlatform, type Platform, parsePlatform, platformRank } from '../oci/platform.ts'

/**
 * The platform of an image that a command means.
 *
 * @param flag  `--platform`; else DOCKER_DEFAULT_PLATFORM decides, else this machine
 * @throws      INVALID_ARGUMENT
 */
export function wantedPlatform(flag?: string): Platform {
  const asked = askedPlatform(flag)
  const host = hostPlatform()
  return asked === undefined ? host : parsePlatform(asked, host)
}

/**
 * What to say about an image that was taken though it is of another platform than what a command
 * means: one that lies in no index is.
 *
 * @returns  undefined where all is well
 * @throws   as wantedPlatform
 * Source: docker run
 */
export function platformWarning(found: Platform, flag?: string): string | undefined {
  const wanted = wantedPlatform(flag)
  if (platformRank(wanted, found) !== undefined) return undefined
  const start = `WARNING: The requested image's platform (${formatPlatform(found)}) does not match the`
  const end = `platform (${formatPlatform(wanted)})`
  return askedPlatform(flag) === undefined
    ? `${start} detected host ${end} and no specific platform was requested`
    : `${start} specified ${end}`
}

function askedPlatform(flag?: string): string | undefined {
  return (flag ?? process.env.DOCKER_DEFAULT_PLATFORM) || undefined
}
