import { TsctrError } from '../errors.ts'

const reasons: ReadonlyMap<string, [problem: string, hint: string | undefined]> = new Map([
  ['ENOSPC', ['no space left on device', 'free some space, or use another --data-root']],
  ['EDQUOT', ['disk quota exceeded', 'free some space, or use another --data-root']],
  ['EFBIG', ['file too large', 'raise the file size limit (ulimit -f)']],
  ['EROFS', ['read-only file system', 'use another --data-root']],
  ['EACCES', ['permission denied', 'run as the owner of the data root']],
  ['EPERM', ['operation not permitted', 'run as the owner of the data root']],
  ['EIO', ['input/output error', 'check the disk: dmesg']],
  ['EMFILE', ['too many open files', 'raise the limit (ulimit -n)']],
  ['ENFILE', ['too many open files in the system', undefined]],
])

/**
 * Word a failure of the disk itself, which is the user's to repair.
 *
 * @param path  what was being written
 * @returns     a FAILED_PRECONDITION for the known reasons, any other error untouched
 */
export function storageError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TsctrError) return error
  const reason = reasons.get(String((error as NodeJS.ErrnoException).code))
  if (reason === undefined) return error
  const [problem, hint] = reason
  return new TsctrError('FAILED_PRECONDITION', `${path}: ${problem}`, { hint })
}
