import type { CallerStdio } from '../container/caller-stdio.ts'
import { writeAsync } from '../host/async-write.ts'

/** This process's own stdin, stdout, stderr and terminal. */
export const processStdio: CallerStdio = {
  input: () => process.stdin,
  closeInput: () => void process.stdin.destroy(),
  write: async (stream, data) => void (await writeAsync(stream === 'stdout' ? 1 : 2, data)),
  size: () => {
    const { isTTY, rows, columns } = process.stdout
    return isTTY ? { rows, columns } : undefined
  },
  onResize: (listener) => {
    process.on('SIGWINCH', listener)
    return () => void process.off('SIGWINCH', listener)
  },
  takeKeysRaw: () => {
    if (!process.stdin.isTTY) return () => {}
    process.stdin.setRawMode(true)
    const restore = (): void => {
      process.off('exit', restore)
      if (!process.stdin.destroyed) process.stdin.setRawMode(false)
    }
    process.on('exit', restore)
    return restore
  },
}
