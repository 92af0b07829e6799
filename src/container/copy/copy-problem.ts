import { TsctrError } from '../../errors.ts'

/** What went wrong with one entry, in words. */
export function describeProblem(shown: string, error: unknown): unknown {
  if (error instanceof TsctrError) {
    if (error.message === 'interrupted') return error
    const { code, message, hint, exitCode, cause } = error
    return new TsctrError(code, `${shown}: ${message}`, { hint, exitCode, cause })
  }
  const known = problems.get(String((error as NodeJS.ErrnoException).code))
  if (known === undefined) return error
  const [code, problem, hint] = known
  return new TsctrError(code, `${shown}: ${problem}`, { hint })
}

type Problem = readonly [code: TsctrError['code'], problem: string, hint?: string]

const problems: ReadonlyMap<string, Problem> = new Map<string, Problem>([
  ['ENOSPC', ['UNAVAILABLE', 'no space left on device']],
  ['EDQUOT', ['UNAVAILABLE', 'disk quota exceeded']],
  ['EROFS', ['FAILED_PRECONDITION', 'the file system is read-only']],
  ['EISDIR', ['INVALID_ARGUMENT', 'cannot replace a directory with a file']],
  ['ENOTEMPTY', ['FAILED_PRECONDITION', 'a directory of that name was made meanwhile']],
  ['EBUSY', ['FAILED_PRECONDITION', 'is in use']],
  ['ENAMETOOLONG', ['INVALID_ARGUMENT', 'name is too long']],
  ['EACCES', ['FAILED_PRECONDITION', 'permission denied']],
  ['EPERM', ['FAILED_PRECONDITION', 'operation not permitted']],
  ['EMFILE', ['UNAVAILABLE', 'directories are nested too deep (ulimit -n)']],
  ['EXDEV', ['UNSUPPORTED', 'hard link across mounts']],
])
