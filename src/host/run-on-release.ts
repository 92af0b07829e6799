import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { programError, startError } from './exec.ts'

/** A program that runs when it is released, or when this process dies, however it dies. */
export interface PendingProgram {
  /** Let it run and wait for its end. @throws RUNTIME_FAILED if it does not exit with 0 */
  release(): Promise<void>
}

/**
 * Have a program ready whose work must be done whatever happens to this process: it waits for the
 * end of a pipe that only this process holds.
 *
 * @param argv  passed as it is, never read by the shell that waits
 */
export async function runOnRelease(argv: readonly string[]): Promise<PendingProgram> {
  const [program = '', ...args] = argv
  // In a session of its own, so that a Ctrl-C at the terminal is not its signal.
  const child = spawn('/bin/sh', ['-c', 'read -r _; exec "$@"', 'sh', ...argv], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    cwd: '/',
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4096)
  })
  const closed = once(child, 'close')
  closed.catch(() => {})
  await once(child, 'spawn').catch((error) => {
    throw startError(program, error)
  })
  return {
    release: async () => {
      child.stdin.end()
      const [exitCode, signal] = (await closed) as [number | null, NodeJS.Signals | null]
      if (exitCode === 0) return
      const result = { exitCode: exitCode ?? undefined, signal: signal ?? undefined }
      throw programError(program, args, { ...result, isTimedOut: false, stdout: '', stderr })
    },
  }
}
