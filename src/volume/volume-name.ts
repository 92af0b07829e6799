import { randomBytes } from 'node:crypto'
import { TsctrError } from '../errors.ts'

/**
 * A name as docker's local driver takes it; it becomes a directory's.
 *
 * @throws  INVALID_ARGUMENT
 */
export function parseVolumeName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(text)) return text
  throw new TsctrError('INVALID_ARGUMENT', `volume ${JSON.stringify(text)}: not a volume name`, {
    hint: 'two or more letters, digits, _, . and -, the first a letter or digit; a directory of the host needs an absolute path',
  })
}

export function anonymousVolumeName(): string {
  return randomBytes(32).toString('hex')
}
