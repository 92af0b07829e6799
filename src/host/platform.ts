import { arch } from 'node:os'
import { normalizePlatform, type Platform } from '../oci/platform.ts'

/** What this machine runs, in OCI's words. */
export function hostPlatform(): Platform {
  const names: Record<string, string> = { x64: 'amd64', ia32: '386' }
  const name = arch()
  return normalizePlatform({ os: 'linux', architecture: names[name] ?? name })
}
