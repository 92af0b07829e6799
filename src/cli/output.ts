import { writeSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { escapeTerminal } from './render/escape.ts'

/** One of the process's two output streams. */
export interface Output {
  /** Write text and a line end. */
  line(text: string): void
  /** Write text or bytes as they are. */
  write(data: string | Uint8Array): void
}

/** What docker's exit status is when the reader of its output has gone: 128 + SIGPIPE. */
export const readerGone = 141

const retryMs = 2

/**
 * The output stream behind a file descriptor.
 *
 * It is written synchronously: nothing is lost when the process exits, and loading Node's own
 * stream classes would cost a short command a tenth of its time.
 */
export function outputTo(fd: number): Output {
  return {
    line: (text) => writeAll(fd, Buffer.from(`${text}\n`)),
    write: (data) => writeAll(fd, typeof data === 'string' ? Buffer.from(data) : data),
  }
}

/** The same stream for messages: what a line quotes from outside cannot steer a terminal. */
export function escaped(output: Output): Output {
  return { line: (text) => output.line(escapeTerminal(text)), write: output.write }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let written = 0
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written)
    } catch (error) {
      // A reader that has seen enough (`tsctr ps | head -1`) ends the program, without a word.
      if (isErrno(error, 'EPIPE')) process.exit(readerGone)
      // The other end of a terminal or a pipe may have been made non-blocking by another program.
      if (!isErrno(error, 'EAGAIN')) throw error
      sleep(retryMs)
    }
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
