/** Windows Server 2022: from here on a host runs containers of earlier builds, back to this one. */
const stableBuild = 20348

/**
 * Whether a Windows of one version runs containers made for another; without a version any does.
 *
 * Source: containerd/platforms platform_windows_compat.go checkWindowsHostAndContainerCompat
 */
export function suitsWindows(host: string | undefined, container: string | undefined): boolean {
  const hostVersion = parseVersion(host)
  if (hostVersion === undefined || container === undefined || container === '') return true
  const version = parseVersion(container)
  if (version === undefined || version.release !== hostVersion.release) return false
  if (hostVersion.build < stableBuild) return version.build === hostVersion.build
  return version.build >= stableBuild && version.build <= hostVersion.build
}

/** `10.0.17763.1234`; what follows the build does not count. */
function parseVersion(text = ''): { release: string; build: number } | undefined {
  const [, release, build] = /^(\d+\.\d+)\.(\d+)(?:\.|$)/.exec(text) ?? []
  return release === undefined ? undefined : { release, build: Number(build) }
}
