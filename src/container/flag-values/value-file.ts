import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isErrno, TsctrError } from '../../errors.ts'

/**
 * The entries of an --env-file or --label-file: one a line, `NAME=value` or `NAME`. Lines that are
 * empty or begin with # are left out; quotes mean nothing.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT
 * Source: docker run --env-file
 */
export function readValueFile(path: string): string[] {
  const lines = readTextFile(path).split(/\r?\n/)
  return lines.flatMap((line, index) => {
    const text = line.trimStart()
    if (text === '' || text.startsWith('#')) return []
    const name = text.replace(/=.*$/s, '')
    if (name !== '' && !/\s/.test(name)) return [text]
    const problem = name === '' ? 'no name before =' : `white space in the name "${name}"`
    throw new TsctrError('INVALID_ARGUMENT', `${path}: line ${index + 1}: ${problem}`)
  })
}

/**
 * The absolute path of a file that is to be made. What stands there already may be another
 * container's, and is not overwritten.
 *
 * @throws  ALREADY_EXISTS
 * Source: docker run --cidfile
 */
export function newFilePath(path: string): string {
  if (!existsSync(path)) return resolve(path)
  throw new TsctrError('ALREADY_EXISTS', `${path}: file exists`, { hint: `rm ${path}` })
}

/** The text of a file that the user names. @throws NOT_FOUND, INVALID_ARGUMENT */
export function readTextFile(path: string): string {
  return decode(readFile(path), path)
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) throw new TsctrError('NOT_FOUND', `${path}: no such file`)
    throw new TsctrError('INVALID_ARGUMENT', `${path}: cannot be read`, { cause })
  }
}

/** A byte order mark at the beginning is dropped. */
function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new TsctrError('INVALID_ARGUMENT', `${path}: not UTF-8 text`)
  }
}
