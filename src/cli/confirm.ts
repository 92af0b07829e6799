import { readSync } from 'node:fs'
import { isErrno, TsctrError } from '../errors.ts'
import type { Output } from './output.ts'

/**
 * Ask before something is removed. As docker does, the answer is read from stdin whatever that is,
 * so that `yes | tsctr …` works.
 *
 * @param warning  what will be removed; may be several lines
 * @param command  for the error: `image prune`
 * @returns        whether the answer was yes
 * @throws         FAILED_PRECONDITION if stdin ends without an answer: in a script that is a -f
 *                 that was forgotten, and should not look like success
 */
export function confirm(stdout: Output, warning: string, command: string): boolean {
  stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `)
  const answer = readLine()
  if (answer !== undefined) return answer.trim().toLowerCase() === 'y'
  stdout.write('\n')
  throw new TsctrError('FAILED_PRECONDITION', `${command}: not confirmed`, {
    hint: `tsctr ${command} -f`,
  })
}

/** undefined at the end of the input. */
function readLine(): string | undefined {
  const bytes: number[] = []
  const buffer = Buffer.alloc(1)
  for (;;) {
    const count = readByte(buffer)
    if (count === 0) return bytes.length === 0 ? undefined : Buffer.from(bytes).toString()
    if (buffer[0] === 0x0a) return Buffer.from(bytes).toString()
    bytes.push(buffer[0] as number)
  }
}

function readByte(buffer: Buffer): number {
  for (;;) {
    try {
      return readSync(0, buffer, 0, 1, null)
    } catch (error) {
      // Another program may have made the terminal non-blocking.
      if (isErrno(error, 'EAGAIN')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
      else if (isErrno(error, 'EOF')) return 0
      else throw error
    }
  }
}
