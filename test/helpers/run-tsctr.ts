import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

const root = join(import.meta.dirname, '../..')

/** The launcher that runs tsctr from source. */
export const sourceProgram = join(root, 'bin/tsctr')

/** The one-file build. */
export const builtProgram = join(root, 'dist/tsctr')

export interface RunTsctrOptions {
  readonly program?: string
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string | Buffer
}

/** Run tsctr to its end, from source unless another program is given. */
export function runTsctr(args: readonly string[], options: RunTsctrOptions = {}): Ended {
  const { program = sourceProgram, env = process.env, input } = options
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    env,
    timeout: 120_000,
    ...(input === undefined ? {} : { input }),
  })
  if (result.error !== undefined) throw result.error
  return { exitCode: result.status, stdout: result.stdout, stderr: result.stderr }
}
