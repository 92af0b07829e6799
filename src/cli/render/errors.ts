import { Chalk } from 'chalk'
import { TsctrError } from '../../errors.ts'
import { escapeControls, escapeTerminal } from './escape.ts'

export interface RenderErrorOptions {
  /** `--debug`: the stack of the error and of each of its causes. */
  readonly debug?: boolean | undefined
  /** Whether stderr is a terminal that shows colour; `wantsColor` answers that. */
  readonly color?: boolean | undefined
}

/**
 * An error as the user sees it, without a last newline: `tsctr: <what>: <cause>` on one line and
 * `hint: …` on the next if the error has one. An error that nobody expected is a bug of tsctr and
 * shows its stack.
 */
export function renderError(error: unknown, options: RenderErrorOptions = {}): string {
  const paint = new Chalk({ level: options.color === true ? 1 : 0 })
  const message = describe(error)
  if (message === undefined) return `${paint.red('tsctr:')} ${escapeTerminal(stackOf(error))}`
  const hint = hintOf(error)
  const lines = [`${paint.red('tsctr:')} ${escapeControls(message)}`]
  if (hint !== undefined) lines.push(`${paint.yellow('hint:')} ${escapeControls(hint)}`)
  if (options.debug === true) lines.push(paint.dim(escapeTerminal(stackOf(error))))
  return lines.join('\n')
}

/** The chain as one path; undefined for an error that is a bug. */
function describe(error: unknown): string | undefined {
  if (!(error instanceof TsctrError)) return describeSystem(error)
  let message = error.message
  for (const cause of causesOf(error)) {
    const part = cause instanceof TsctrError ? cause.message : describeSystem(cause)
    if (part === undefined || part === '' || isTold(message, part, cause)) continue
    // A wrapper may have repeated the cause's words, or the cause the wrapper's: say them once.
    message = part.startsWith(message) ? part : `${message}: ${part}`
  }
  return message
}

function isTold(message: string, part: string, cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException
  const isSystem = !(cause instanceof TsctrError) && typeof code === 'string'
  return message.includes(part) || (isSystem && message.includes(code))
}

function* causesOf(error: Error): Generator<unknown> {
  const seen = new Set<unknown>([error])
  for (let cause = error.cause; cause !== undefined && !seen.has(cause); ) {
    seen.add(cause)
    yield cause
    cause = cause instanceof Error ? cause.cause : undefined
  }
}

/** What the machine refused (disk full, permission denied), which is no bug even if unexpected. */
function describeSystem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, path, syscall, message } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') return undefined
  if (error.name === 'SqliteError') {
    return environmentalSqlite.test(code) ? `metadata database: ${message} (${code})` : undefined
  }
  if (typeof syscall !== 'string') return undefined
  const operand = path === undefined ? '' : `${path}: `
  const words = /^[A-Z]\w+: (.*?), /s.exec(message)?.[1]
  // Errors of sockets and spawns have no words of their own: `connect ECONNREFUSED 127.0.0.1:5000`.
  return words === undefined ? message : `${operand}${words} (${code}, ${syscall})`
}

const environmentalSqlite =
  /^SQLITE_(FULL|IOERR|READONLY|BUSY|LOCKED|CORRUPT|NOTADB|CANTOPEN|PERM|AUTH|NOMEM)/

function hintOf(error: unknown): string | undefined {
  if (!(error instanceof TsctrError)) return undefined
  if (error.hint !== undefined) return error.hint
  for (const cause of causesOf(error)) {
    if (cause instanceof TsctrError && cause.hint !== undefined) return cause.hint
  }
  return undefined
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return `bug: thrown: ${String(error)}`
  const own = error.stack ?? String(error)
  return [own, ...[...causesOf(error)].map((cause) => `caused by: ${briefStack(cause)}`)].join('\n')
}

function briefStack(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? String(cause)) : String(cause)
}
