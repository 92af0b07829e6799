import { constants, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno, TsctrError } from '../errors.ts'
import { lsetxattr, mknod } from '../host/libc.ts'
import { mountAll, unmountIfMounted } from '../host/mount.ts'
import { processStartTicks } from '../host/owner.ts'
import { overlayOptions } from './overlay-options.ts'

const prefix = 'overlay-probe-'

/** How a file system says that it lacks what overlay needs of it. */
const refusals = ['EPERM', 'EACCES', 'EIO', 'EROFS', 'ENOTSUP', 'EINVAL', 'EXDEV']

/**
 * Whether overlay works on a directory's file system, by trying: on some (overlay itself, network
 * file systems) it cannot be mounted, on others what is deleted comes back.
 *
 * @param root  where snapshots lie; exists and is writable
 */
export function canMountOverlay(root: string): boolean {
  removeLeftovers(root)
  const directory = mkdtempSync(join(root, `${prefix}${process.pid}-`))
  try {
    return tryOverlay(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function tryOverlay(directory: string): boolean {
  const upperdir = join(directory, 'upper')
  const workdir = join(directory, 'work')
  const lower = join(directory, 'lower')
  const merged = mountPointIn(directory)
  for (const path of [upperdir, workdir, merged, join(lower, 'replaced', 'gone')]) {
    mkdirSync(path, { recursive: true })
  }
  const options = overlayOptions({ lowerdirsTopFirst: [lower], upperdir, workdir })
  try {
    makeMarks(directory)
    mountAll([{ type: 'overlay', source: 'overlay', options }], merged)
  } catch (error) {
    if (error instanceof TsctrError || isErrno(error, ...refusals)) return false
    throw error
  }
  try {
    return hidesWhatIsReplaced(join(merged, 'replaced'))
  } catch (error) {
    if (isErrno(error, ...refusals)) return false
    throw error
  } finally {
    unmountIfMounted(merged)
  }
}

/** Layers are unpacked with overlay's marks; a sandbox may forbid them to all but the kernel. */
function makeMarks(directory: string): void {
  mknod(join(directory, 'whiteout'), constants.S_IFCHR)
  lsetxattr(directory, 'trusted.overlay.opaque', Buffer.from('y'))
}

/** A directory in the place of another needs what overlay marks with: whiteouts and attributes. */
function hidesWhatIsReplaced(directory: string): boolean {
  rmSync(directory, { recursive: true })
  mkdirSync(directory)
  return readdirSync(directory).length === 0
}

/** A process that was killed while it tried leaves its directory. */
function removeLeftovers(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = new RegExp(`^${prefix}([0-9]+)-`).exec(name)?.[1]
    if (pid === undefined || processStartTicks(Number(pid)) !== undefined) continue
    unmountIfMounted(mountPointIn(join(root, name)))
    rmSync(join(root, name), { recursive: true, force: true })
  }
}

function mountPointIn(directory: string): string {
  return join(directory, 'merged')
}
