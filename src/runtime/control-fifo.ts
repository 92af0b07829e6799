import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { isErrno } from '../errors.ts'

/**
 * Tell a monitor something through its control FIFO.
 *
 * @param message  three numbers
 * @returns        false if the monitor is not there (yet, or any more)
 * Source: conmon ctrl.c process_terminal_ctrl_line
 */
export function writeControl(controlFifo: string, message: readonly number[]): boolean {
  let fd: number
  try {
    // Without a reader a non-blocking open fails at once instead of waiting for one.
    fd = openSync(controlFifo, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENXIO')) return false
    throw error
  }
  try {
    writeSync(fd, `${message.join(' ')}\n`)
    return true
  } finally {
    closeSync(fd)
  }
}
