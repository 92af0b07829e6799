import type { CallerStdio } from '../container/caller-stdio.ts'
import { writeAsync } from '../host/async-write.ts'
import { passOutputThrough } from '../host/libc.ts'

/** This process's own stdin, stdout, stderr and terminal. */
export const processStdio: CallerStdio = {
  input: () => process.stdin,
  hasTerminalInput: () => process.stdin.isTTY === true,
  closeInput: () => void process.stdin.destroy(),
  write: async (stream, data) => void (await writeAsync(stream === 'stdout' ? 1 : 2, data)),
  size: () => {
    const { isTTY, rows, columns } = process.stdout
    return isTTY ? { rows, columns } : undefined
  },
  onResize: (listener) => {
    // Not SIGWINCH itself: the stream may look for its new size after our listener has asked for it.
    process.stdout.on('resize', listener)
    return () => void process.stdout.off('resize', listener)
  },
  takeKeysRaw: () => {
    if (!process.stdin.isTTY) return () => {}
    process.stdin.setRawMode(true)
    // Node's raw mode still puts a carriage return before a line feed, which a program that moves
    // the cursor down with one does not mean.
    passOutputThrough(0)
    const restore = (): void => {
      process.off('exit', restore)
      if (!process.stdin.destroyed) process.stdin.setRawMode(false)
    }
    process.on('exit', restore)
    return restore
  },
}
