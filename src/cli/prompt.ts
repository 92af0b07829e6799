import { readSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { exitCodes, TsctrError } from '../errors.ts'
import type { Output } from './output.ts'

/** Ask for a line on the terminal, which shows and edits it; Ctrl-C ends the process as ever. */
export function promptLine(stdout: Output, question: string): string {
  stdout.write(question)
  const bytes = Buffer.alloc(4096)
  // A terminal hands over a line at a time.
  const length = readSync(0, bytes)
  return bytes.subarray(0, length).toString().trim()
}

/** Ask for a line that the terminal does not show. @throws UNAVAILABLE for Ctrl-C */
export async function promptHidden(stdout: Output, question: string): Promise<string> {
  const input = new ReadStream(0)
  input.setRawMode(true)
  try {
    stdout.write(question)
    return await hiddenLine(input)
  } finally {
    input.setRawMode(false)
    input.destroy()
    // The terminal has not shown the end of the line either.
    stdout.line('')
  }
}

const interrupt = 3
const endOfFile = 4
const lineEnds = [10, 13]
const backspaces = [8, 127]
const killLine = 21

async function hiddenLine(input: ReadStream): Promise<string> {
  const bytes: number[] = []
  for await (const chunk of input) {
    for (const byte of chunk as Buffer) {
      if (lineEnds.includes(byte) || (byte === endOfFile && bytes.length === 0)) return text(bytes)
      if (byte === interrupt) {
        const exitCode = exitCodes.signalBase + 2
        throw new TsctrError('UNAVAILABLE', 'interrupted', { exitCode })
      }
      if (byte === killLine) bytes.length = 0
      else if (backspaces.includes(byte)) removeLast(bytes)
      else bytes.push(byte)
    }
  }
  return text(bytes)
}

/** One character, which may be several bytes. */
function removeLast(bytes: number[]): void {
  while (((bytes.pop() ?? 0) & 0xc0) === 0x80) {}
}

function text(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString()
}
