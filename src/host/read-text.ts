import { readFileSync } from 'node:fs'
import { isErrno } from '../errors.ts'

/** The text of a file; undefined if there is none. */
export function readTextIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
