import type { Stats } from 'node:fs'
import { posix } from 'node:path'
import type { RootDirectory } from './root-directory.ts'
import type { ResolvedUser } from './user.ts'

export type ExecutableLookup =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'not-found' }
  /** There, but a directory or without permission. */
  | { readonly kind: 'not-executable'; readonly path: string; readonly reason: string }

export interface ExecutableQuery {
  /** args[0] as asked. */
  readonly program: string
  /** The PATH that the program itself will see. */
  readonly searchPath: string
  readonly cwd: string
  readonly user: Pick<ResolvedUser, 'uid' | 'gid' | 'additionalGids'>
}

/**
 * Which file would run, by the rules of the runtime: a name with a slash is that file alone; others
 * are searched for in PATH, where what cannot be run is passed over. Decides between exit codes 127
 * and 126 before the runtime is asked.
 *
 * Source: runc's use of Go's exec.LookPath
 */
export function findExecutable(root: RootDirectory, query: ExecutableQuery): ExecutableLookup {
  const { program, searchPath, cwd, user } = query
  if (program === '') return { kind: 'not-found' }
  if (program.includes('/')) {
    const path = posix.resolve('/', cwd, program)
    const stats = root.stat(path)
    if (stats === undefined) return { kind: 'not-found' }
    const obstacle = obstacleFor(stats, user)
    return obstacle === undefined
      ? { kind: 'found', path }
      : { kind: 'not-executable', path, reason: obstacle }
  }
  for (const directory of searchPath.split(':')) {
    const path = posix.resolve('/', cwd, directory, program)
    const stats = root.stat(path)
    if (stats !== undefined && obstacleFor(stats, user) === undefined)
      return { kind: 'found', path }
  }
  return { kind: 'not-found' }
}

function obstacleFor(stats: Stats, user: ExecutableQuery['user']): string | undefined {
  if (stats.isDirectory()) return 'is a directory'
  if (!stats.isFile()) return 'is not a regular file'
  return mayExecute(stats, user) ? undefined : 'permission denied'
}

function mayExecute(stats: Stats, user: ExecutableQuery['user']): boolean {
  if (user.uid === 0) return (stats.mode & 0o111) !== 0
  if (stats.uid === user.uid) return (stats.mode & 0o100) !== 0
  const isMember = stats.gid === user.gid || user.additionalGids.includes(stats.gid)
  return (stats.mode & (isMember ? 0o010 : 0o001)) !== 0
}
