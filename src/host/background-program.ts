import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { startError } from './exec.ts'

/**
 * Start a program that goes on by itself: it has no stdio, and outlives this process and a Ctrl-C
 * at its terminal.
 *
 * @throws  FAILED_PRECONDITION if there is no such program, RUNTIME_FAILED if it cannot be started
 */
export async function startInBackground(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const child = spawn(file, args, { stdio: 'ignore', env, cwd: '/', detached: true })
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw startError(file, cause)
  }
  child.unref()
}
