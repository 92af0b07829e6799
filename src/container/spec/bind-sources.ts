import { mkdirSync, statSync } from 'node:fs'
import { isErrno, TsctrError } from '../../errors.ts'
import type { ConfiguredMount } from '../config.ts'

/**
 * Make sure that what is to be bind-mounted is there: a missing source of `-v` becomes an empty
 * directory, one of `--mount` is an error. Do it before each start.
 *
 * @throws  NOT_FOUND
 * Source: docker run -v
 */
export function prepareBindSources(mounts: readonly ConfiguredMount[]): void {
  for (const mount of mounts) {
    if (mount.type !== 'bind' || exists(mount.source)) continue
    if (!mount.createsSource) throw missing(mount.source)
    mkdirSync(mount.source, { recursive: true })
  }
}

/** Refuse what prepareBindSources would, and make nothing. @throws NOT_FOUND */
export function requireBindSources(mounts: readonly ConfiguredMount[]): void {
  for (const mount of mounts) {
    if (mount.type !== 'bind' || exists(mount.source) || mount.createsSource) continue
    throw missing(mount.source)
  }
}

function missing(source: string): TsctrError {
  return new TsctrError('NOT_FOUND', `mount ${source}: no such file or directory on the host`)
}

function exists(path: string): boolean {
  try {
    return statSync(path) !== undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    if (isErrno(error, 'ENOTDIR')) {
      throw new TsctrError('NOT_FOUND', `mount ${path}: a parent is not a directory`)
    }
    throw error
  }
}
