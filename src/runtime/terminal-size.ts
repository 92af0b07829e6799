import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { isErrno } from '../errors.ts'

/**
 * Give a container's terminal a size, through conmon's control FIFO.
 *
 * @returns  false if the monitor is not there (yet, or any more)
 * Source: conmon ctrl.c process_terminal_ctrl_line: "1 ROWS COLUMNS\n"
 */
export function resizeTerminal(controlFifo: string, rows: number, columns: number): boolean {
  let fd: number
  try {
    // Without a reader a non-blocking open fails at once instead of waiting for one.
    fd = openSync(controlFifo, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENXIO')) return false
    throw error
  }
  try {
    writeSync(fd, `1 ${rows} ${columns}\n`)
    return true
  } finally {
    closeSync(fd)
  }
}
