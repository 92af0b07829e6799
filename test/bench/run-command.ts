import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

/** A program, looked up in PATH, and its arguments. */
export type Command = readonly string[]

const timeoutMs = 120_000
// A file, not a pipe: a monitor that outlives the command would keep the pipe open.
const outputPath = '/run/bench-stdout'
const messagesPath = '/run/bench-stderr'

/** @returns  milliseconds from before the start to the exit */
export async function timeCommand(command: Command): Promise<number> {
  return finish(command, 'ignore')
}

/** @returns  what the command wrote to stdout */
export async function runCommand(command: Command): Promise<string> {
  const output = openSync(outputPath, 'w')
  try {
    await finish(command, output)
  } finally {
    closeSync(output)
  }
  return readFileSync(outputPath, 'utf8')
}

async function finish(command: Command, stdout: number | 'ignore'): Promise<number> {
  const [program = '', ...args] = command
  const messages = openSync(messagesPath, 'w')
  try {
    const startNs = process.hrtime.bigint()
    const child = spawn(program, args, { stdio: ['ignore', stdout, messages], timeout: timeoutMs })
    const end = await new Promise<number | string | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => resolve(code ?? signal))
    })
    const durationMs = Number(process.hrtime.bigint() - startNs) / 1e6
    if (end !== 0) {
      const said = readFileSync(messagesPath, 'utf8').trim().split('\n').slice(-3).join('; ')
      throw new Error(`${command.join(' ')}: ended with ${end}: ${said}`)
    }
    return durationMs
  } finally {
    closeSync(messages)
  }
}
