import { hostPlatform } from '../host/platform.ts'
import { type Platform, parsePlatform } from '../oci/platform.ts'

/**
 * The platform of an image that a command means.
 *
 * @param flag  `--platform`; else DOCKER_DEFAULT_PLATFORM decides, else this machine
 * @throws      INVALID_ARGUMENT
 */
export function wantedPlatform(flag?: string): Platform {
  const wanted = flag ?? process.env.DOCKER_DEFAULT_PLATFORM
  const host = hostPlatform()
  return wanted === undefined || wanted === '' ? host : parsePlatform(wanted, host)
}
