/**
 * What went wrong, in a form callers branch on. The list is closed: a new code needs a caller
 * that treats it differently.
 */
export type ErrorCode =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'INVALID_ARGUMENT'
  | 'FAILED_PRECONDITION'
  | 'UNAUTHORIZED'
  | 'UNAVAILABLE'
  | 'DIGEST_MISMATCH'
  | 'UNSUPPORTED'
  | 'RUNTIME_FAILED'

/** Exit codes that are tsctr's own; everything else is a container's. Source: docker run §exit-status */
export const exitCodes = {
  failure: 1,
  /** tsctr itself failed in `run`, `create` or `exec`. */
  engineFailed: 125,
  /** The container's command exists but cannot be invoked. */
  cannotInvoke: 126,
  /** The container's command does not exist. */
  notFound: 127,
  /** Added to the signal number when a signal ended the process. */
  signalBase: 128,
} as const

export interface ErrorDetails {
  /** What the user should type or check next. */
  readonly hint?: string | undefined
  /** The process's exit code; 1 unless given. */
  readonly exitCode?: number | undefined
  readonly cause?: unknown
}

/** The one error that is shown to users without a stack. */
export class TsctrError extends Error {
  override readonly name = 'TsctrError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly exitCode: number | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.code = code
    this.hint = details.hint
    this.exitCode = details.exitCode
  }
}

/** Whether `error` is a TsctrError with the given code. */
export function hasCode(error: unknown, code: ErrorCode): error is TsctrError {
  return error instanceof TsctrError && error.code === code
}

/** Whether `error` is a system error with the given errno name (`ENOENT` …). */
export function isErrno(error: unknown, ...names: string[]): error is NodeJS.ErrnoException {
  return (
    error instanceof Error &&
    typeof (error as NodeJS.ErrnoException).code === 'string' &&
    names.includes((error as NodeJS.ErrnoException).code as string)
  )
}
