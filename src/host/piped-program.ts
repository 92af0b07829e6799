import { closeSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isErrno } from '../errors.ts'
import { startError } from './exec.ts'
import { openPipe, spawnSession, waitForChild } from './libc.ts'

/** A program that talks through pipes of its own and may outlive this process. */
export interface PipedProgram {
  readonly pid: number
  /** Write a few bytes to one of the pipes; a program that does not read it is no error. */
  write(fd: number, bytes: Buffer): void
  /** The next line that the program, or a child it left behind, writes to one of the pipes; '' at its end. */
  readLine(fd: number): Promise<string>
  /** What it has written to stderr by now. */
  stderr(): string
  /** Send it SIGKILL, if it has not ended. */
  kill(): void
  /** Let go of all pipes, so that nothing of the program keeps this process from ending. */
  close(): void
}

export interface PipedOptions {
  readonly env: Readonly<Record<string, string>>
  /** What its descriptors 3, 4 … are: pipes that it reads from, or that it writes to. */
  readonly pipes: readonly ('reads' | 'writes')[]
}

/** Of what is not read in time. */
const tailBytes = 64 * 1024

/**
 * Start a program in a session of its own, so that a Ctrl-C at the terminal is not its signal.
 *
 * @throws  FAILED_PRECONDITION if there is no such program, RUNTIME_FAILED if it cannot be started
 */
export function spawnWithPipes(
  file: string,
  args: readonly string[],
  { env, pipes }: PipedOptions,
): PipedProgram {
  const ends = ['writes' as const, ...pipes].map((direction) => {
    const { readEnd, writeEnd } = openPipe()
    return direction === 'reads'
      ? { isRead: false, its: readEnd, ours: writeEnd }
      : { isRead: true, its: writeEnd, ours: readEnd }
  })
  const nothing = openSync('/dev/null', 'r+')
  let pid: number
  try {
    const descriptors = [nothing, nothing, ...ends.map(({ its }) => its)]
    pid = spawnSession(file, args, env, descriptors)
  } catch (cause) {
    for (const { ours } of ends) closeSync(ours)
    throw startError(file, cause)
  } finally {
    for (const { its } of ends) closeSync(its)
    closeSync(nothing)
  }
  const readers = new Map<number, LineReader>()
  const inputs = new Map<number, number>()
  for (const [index, { isRead, ours }] of ends.entries()) {
    if (isRead) readers.set(index + 2, new LineReader(ours))
    else inputs.set(index + 2, ours)
  }
  return {
    pid,
    write: (fd, bytes) => {
      try {
        writeSync(inputs.get(fd) ?? -1, bytes)
      } catch (error) {
        if (!isErrno(error, 'EPIPE')) throw error
      }
    },
    readLine: async (fd) => (await readers.get(fd)?.next()) ?? '',
    stderr: () => readers.get(2)?.rest() ?? '',
    kill: () => void process.kill(pid, 'SIGKILL'),
    close: () => {
      for (const reader of readers.values()) reader.close()
      for (const input of inputs.values()) closeSync(input)
      // What has ended is not to stay in the list of processes.
      waitForChild(pid, false)
    },
  }
}

/** The read end of a pipe. */
class LineReader {
  readonly #stream: Socket
  #text = ''
  #isAtEnd = false
  #wake = (): void => {}

  constructor(fd: number) {
    this.#stream = new Socket({ fd, readable: true, writable: false })
    this.#stream.on('data', (chunk: Buffer) => {
      this.#text = (this.#text + chunk.toString()).slice(-tailBytes)
      this.#wake()
    })
    this.#stream.on('error', () => {})
    this.#stream.once('close', () => {
      this.#isAtEnd = true
      this.#wake()
    })
  }

  /** The next line, without its end; '' at the end of the pipe. */
  async next(): Promise<string> {
    while (!this.#text.includes('\n') && !this.#isAtEnd) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const [line = '', ...others] = this.#text.split('\n')
    this.#text = others.join('\n')
    return line
  }

  /** What has come and was not taken as lines. */
  rest(): string {
    return this.#text
  }

  close(): void {
    this.#stream.destroy()
  }
}
