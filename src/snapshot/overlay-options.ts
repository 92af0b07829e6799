/**
 * Options of an overlay mount.
 *
 * @param lowerdirsTopFirst  lowerdir is searched left to right, so the top layer goes first
 * Source: overlayfs.rst "multiple lower layers"
 */
export function overlayOptions(directories: {
  readonly lowerdirsTopFirst: readonly string[]
  readonly upperdir?: string
  readonly workdir?: string
}): string[] {
  const options = [`lowerdir=${directories.lowerdirsTopFirst.map(escapePath).join(':')}`]
  if (directories.upperdir !== undefined) {
    options.push(`upperdir=${escapeComma(directories.upperdir)}`)
  }
  if (directories.workdir !== undefined) {
    options.push(`workdir=${escapeComma(directories.workdir)}`)
  }
  return options
}

/** A colon would end one lower directory and begin the next. */
function escapePath(path: string): string {
  return escapeComma(path).replaceAll(':', '\\:')
}

function escapeComma(path: string): string {
  return path.replaceAll('\\', '\\\\').replaceAll(',', '\\,')
}
