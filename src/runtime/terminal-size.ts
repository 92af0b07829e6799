import { writeControl } from './control-fifo.ts'

const resizeMessage = 1

/**
 * Give a container's terminal a size.
 *
 * @returns  false if the monitor is not there (yet, or any more)
 */
export function resizeTerminal(controlFifo: string, rows: number, columns: number): boolean {
  return writeControl(controlFifo, [resizeMessage, rows, columns])
}
