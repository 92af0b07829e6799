import { lchownSync, lstatSync } from 'node:fs'
import { isErrno, TsctrError } from '../../errors.ts'
import { walkTree } from '../../layer/walk-tree.ts'
import type { ConfiguredMount } from '../config.ts'

export interface Ids {
  readonly uid: number
  readonly gid: number
}

/**
 * Give what `:U` mounts to the container's user, with all that is in it. Other containers may change
 * it meanwhile: no symlink is followed.
 *
 * @param mounts  volumes bound already
 * Source: podman run -v, "Chowning Volume Mounts"
 */
export function chownSources(mounts: readonly ConfiguredMount[], { uid, gid }: Ids): void {
  for (const mount of mounts) {
    if (mount.type !== 'bind' || mount.takesUser !== true) continue
    if (!lstatSync(mount.source).isDirectory()) {
      lchownSync(mount.source, uid, gid)
      continue
    }
    for (const { path, stats } of walkTree(mount.source)) {
      if (stats.uid === BigInt(uid) && stats.gid === BigInt(gid)) continue
      try {
        lchownSync(path, uid, gid)
      } catch (error) {
        // It went away meanwhile.
        if (!isErrno(error, 'ENOENT')) throw error
      }
    }
  }
}

/**
 * Refuse to give away what the host needs.
 *
 * @throws  INVALID_ARGUMENT
 * Source: podman, containers/common chown.DangerousHostPath
 */
export function refuseHostDirectory(source: string, text: string): void {
  if (!hostDirectories.has(source)) return
  const problem = `U would give the host's ${source} to the container's user`
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`)
}

const hostDirectories: ReadonlySet<string> = new Set([
  ...['/', '/bin', '/boot', '/dev', '/etc', '/home', '/lib', '/lib32', '/lib64', '/libx32'],
  ...['/lost+found', '/media', '/mnt', '/opt', '/proc', '/root', '/run', '/sbin', '/srv', '/sys'],
  ...[
    '/tmp',
    '/usr',
    '/usr/bin',
    '/usr/lib',
    '/usr/lib64',
    '/usr/local',
    '/usr/sbin',
    '/usr/share',
  ],
  ...['/var', '/var/lib', '/var/log', '/var/run', '/var/tmp', '/var/cache', '/var/spool'],
  ...['/etc/passwd', '/etc/shadow', '/etc/group', '/etc/pki', '/etc/ssl', '/etc/hosts'],
])
