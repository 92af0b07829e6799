import { closeSync, constants, openSync, readSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno, TsctrError } from '../../errors.ts'

/** Where `--init` puts the program in the container. */
export const initProgramTarget = '/sbin/docker-init'

/** Statically linked ones first; the plain tini of most distributions is not. */
const usualNames = ['docker-init', 'tini-static', 'catatonit', 'tini']
const furtherPlaces = ['/usr/libexec/podman', '/usr/libexec/docker']

/**
 * A small init on the host, for `--init`.
 *
 * @param wanted  `--init-binary`: a name or a path
 * @returns       an absolute path without symlinks
 * @throws        FAILED_PRECONDITION if there is none that runs in any image
 */
export function findInitProgram(wanted?: string, searchPath = process.env.PATH ?? ''): string {
  const directories = [...searchPath.split(':').filter((path) => path !== ''), ...furtherPlaces]
  const candidates = (wanted === undefined ? usualNames : [wanted]).flatMap((name) =>
    name.includes('/') ? [name] : directories.map((directory) => join(directory, name)),
  )
  const programs = candidates.filter(isProgram)
  const found = programs.find(isStatic)
  if (found !== undefined) return realpathSync(found)
  const [dynamic] = programs
  const missing = wanted === undefined ? 'no init program found' : `${wanted} not found`
  const message =
    dynamic === undefined
      ? `--init: ${missing}`
      : `--init: ${dynamic} is not statically linked, so it would not run in every image`
  throw new TsctrError('FAILED_PRECONDITION', message, { hint: 'install tini or catatonit' })
}

function isProgram(path: string): boolean {
  try {
    const stats = statSync(path)
    return stats.isFile() && (stats.mode & 0o111) !== 0
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return false
    throw error
  }
}

const elfMagic = 0x7f454c46
const programInterpreter = 3

/** An ELF program without an interpreter. Source: elf(5) Ehdr, Phdr */
function isStatic(path: string): boolean {
  const header = Buffer.alloc(4096)
  const fd = openSync(path, constants.O_RDONLY)
  try {
    if (readSync(fd, header, 0, header.length, 0) < 64) return false
  } finally {
    closeSync(fd)
  }
  if (header.readUInt32BE(0) !== elfMagic || header[4] !== 2) return false
  const offset = Number(header.readBigUInt64LE(32))
  const entrySize = header.readUInt16LE(54)
  const count = header.readUInt16LE(56)
  for (let index = 0; index < count; index++) {
    const start = offset + index * entrySize
    if (start + 4 > header.length) return false
    if (header.readUInt32LE(start) === programInterpreter) return false
  }
  return true
}
