import { type ChildProcess, spawn } from 'node:child_process'
import { isErrno, TsctrError } from '../errors.ts'
import { writeTrace } from './trace.ts'

export interface RunOptions {
  /** Written to the program's stdin, which is then closed; without it stdin is /dev/null. */
  readonly input?: string | Buffer | undefined
  /** The whole environment; this process's own unless given. */
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly cwd?: string | undefined
  /** The program is killed with SIGKILL when it takes longer. */
  readonly timeoutMs?: number | undefined
  /** Kills the program with SIGKILL; the call then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export interface ProgramOutput {
  readonly stdout: string
  /** At most the last 64 KiB. */
  readonly stderr: string
}

export interface ProgramResult extends ProgramOutput {
  /** undefined when a signal ended the program. */
  readonly exitCode: number | undefined
  readonly signal: NodeJS.Signals | undefined
  readonly isTimedOut: boolean
}

const stderrTailBytes = 64 * 1024
const shownStderrLines = 5

/**
 * Run a program to its end.
 *
 * @param file  a path, or a name looked up in PATH; never passed through a shell
 * @throws      FAILED_PRECONDITION if there is no such program; RUNTIME_FAILED if it does not exit
 *              with 0, naming the program, its arguments, how it ended and its last lines of stderr
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProgramOutput> {
  const result = await completeProgram(file, args, options)
  if (result.exitCode !== 0) throw programError(file, args, result)
  return result
}

/**
 * Run a program to its end, for callers to whom a failure says something too.
 *
 * @throws  FAILED_PRECONDITION if there is no such program, RUNTIME_FAILED if it cannot be started
 */
export async function completeProgram(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  if (options.timeoutMs !== undefined || options.signal !== undefined) {
    return completeGuarded(file, args, options)
  }
  const child = spawn(file, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  // A program may end without reading its input: what counts is how it ended.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input)
  try {
    return await resultOf(child)
  } catch (error) {
    throw startError(file, error)
  }
}

/** The one description of a program that failed. */
export function programError(
  file: string,
  args: readonly string[],
  result: ProgramResult,
): TsctrError {
  const command = [file, ...args].join(' ')
  const lines = result.stderr.trim().split('\n').slice(-shownStderrLines).join('\n')
  const words = lines === '' ? '' : `: ${lines}`
  return new TsctrError('RUNTIME_FAILED', `${command}: ${endOf(result)}${words}`)
}

/**
 * With a limit of time or a signal execa does the work. It costs 50 ms to load, so the programs on
 * the way of run, exec and ps are started without it.
 */
async function completeGuarded(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<ProgramResult> {
  options.signal?.throwIfAborted()
  const { execa } = await import('execa')
  const result = await execa(file, args, {
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    ...(options.env === undefined ? {} : { env: options.env, extendEnv: false }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    killSignal: 'SIGKILL',
    reject: false,
    stripFinalNewline: false,
  })
  options.signal?.throwIfAborted()
  if (result.exitCode === undefined && result.signal === undefined && !result.timedOut) {
    throw startError(file, result.cause)
  }
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    isTimedOut: result.timedOut,
    stdout: String(result.stdout),
    stderr: String(result.stderr).slice(-stderrTailBytes),
  }
}

function resultOf(child: ChildProcess): Promise<ProgramResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ProgramResult>()
  const stdout: Buffer[] = []
  let stderr = Buffer.alloc(0)
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-stderrTailBytes)
  })
  child.once('error', reject)
  child.once('close', (exitCode, signal) =>
    resolve({
      exitCode: exitCode ?? undefined,
      signal: signal ?? undefined,
      isTimedOut: false,
      stdout: Buffer.concat(stdout).toString(),
      stderr: stderr.toString(),
    }),
  )
  return promise
}

function endOf(result: ProgramResult): string {
  if (result.isTimedOut) return 'killed because it took too long'
  if (result.signal !== undefined) return `ended by ${result.signal}`
  return `exit code ${result.exitCode}`
}

export function startError(file: string, cause: unknown): TsctrError {
  if (isErrno(cause, 'ENOENT')) {
    return new TsctrError('FAILED_PRECONDITION', `${file}: program not found`, {
      hint: `install ${file}, or check PATH`,
    })
  }
  return new TsctrError('RUNTIME_FAILED', `${file}: cannot be started`, { cause })
}

/**
 * Become another program: same pid, same stdio, no process of ours left. Returns only by failing.
 *
 * @throws  RUNTIME_FAILED
 * Source: execve(2)
 */
export function replaceProcess(file: string, args: readonly string[]): never {
  writeTrace()
  process.chdir('/')
  // Node ignores SIGPIPE, and an ignored signal stays ignored in the program that follows.
  process.on('SIGPIPE', () => {})
  try {
    process.execve?.(file, [file, ...args])
  } catch (cause) {
    throw startError(file, cause)
  }
  throw new Error('bug: execve returned')
}
