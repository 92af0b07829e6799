import { write } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isErrno } from '../errors.ts'

const writeOnce = promisify(write)
const retryMs = 2

/**
 * Write all of `data` to a descriptor without holding up the event loop, so that signals are seen
 * while a slow reader is waited for.
 *
 * @returns  false if the reader has gone
 */
export async function writeAsync(fd: number, data: Buffer): Promise<boolean> {
  let written = 0
  while (written < data.length) {
    try {
      written += (await writeOnce(fd, data, written)).bytesWritten
    } catch (error) {
      if (isErrno(error, 'EPIPE')) return false
      // Another program may have made the other end of the terminal or pipe non-blocking.
      if (!isErrno(error, 'EAGAIN')) throw error
      await delay(retryMs)
    }
  }
  return true
}
