import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { startError } from './exec.ts'

/** A program that talks through pipes of its own and may outlive this process. */
export interface PipedProgram {
  /** undefined if it could not be started. */
  readonly pid: number | undefined
  /** Write to one of the pipes; a program that does not read it is no error. */
  write(fd: number, bytes: Buffer): void
  /** The next line that the program, or a child it left behind, writes to one of the pipes; '' at its end. */
  readLine(fd: number): Promise<string>
  /** What it has written to stderr by now. */
  stderr(): string
  /** Let go of all pipes, so that nothing of the program keeps this process from ending. */
  close(): void
}

export interface PipedOptions {
  readonly env: Readonly<Record<string, string>>
  /** Descriptors above 2 that are pipes between it and us: 3, 4 … as many as said. */
  readonly pipeCount: number
}

const stderrTailBytes = 64 * 1024

/**
 * Start a program in a session of its own, so that a Ctrl-C at the terminal is not its signal.
 *
 * @throws  FAILED_PRECONDITION if it cannot be started, from readLine
 */
export function spawnWithPipes(
  file: string,
  args: readonly string[],
  options: PipedOptions,
): PipedProgram {
  const pipes = Array.from({ length: options.pipeCount }, () => 'pipe' as const)
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe', ...pipes],
    env: options.env,
    cwd: '/',
    detached: true,
  })
  const failure = new Promise<never>((_resolve, reject) =>
    child.once('error', (cause) => reject(startError(file, cause))),
  )
  failure.catch(() => {})
  let words = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-stderrTailBytes)
  })
  for (const pipe of child.stdio.slice(3)) pipe?.on('error', () => {})
  const readers = new Map<number, () => Promise<string>>()
  return {
    pid: child.pid,
    write: (fd, bytes) => void (child.stdio[fd] as Writable).write(bytes),
    readLine: (fd) => {
      const reader = readers.get(fd) ?? lineReader(child.stdio[fd] as Readable)
      readers.set(fd, reader)
      return Promise.race([reader(), failure])
    },
    stderr: () => words,
    close: () => {
      child.unref()
      for (const pipe of child.stdio) pipe?.destroy()
    },
  }
}

/** @returns a function that gives one line a call */
function lineReader(stream: Readable): () => Promise<string> {
  let text = ''
  let isAtEnd = false
  let wake = (): void => {}
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    wake()
  })
  const finish = (): void => {
    isAtEnd = true
    wake()
  }
  stream.once('end', finish).once('close', finish)
  return async () => {
    while (!text.includes('\n') && !isAtEnd) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    const end = text.indexOf('\n')
    const line = end < 0 ? text : text.slice(0, end)
    text = end < 0 ? '' : text.slice(end + 1)
    return line
  }
}
