import { writeAsync } from '../host/async-write.ts'
import { AttachSocket } from '../runtime/attach-socket.ts'
import type { Bundle } from '../runtime/bundle.ts'
import { resizeTerminal } from '../runtime/terminal-size.ts'
import { DetachKeyFilter } from './detach-keys.ts'

export interface StdioOptions {
  /** Pass this process's stdin on. */
  readonly takesInput: boolean
  /** The container has a terminal: its size follows ours, our keys arrive raw. */
  readonly hasTerminal: boolean
  /** Bytes that detach; empty for none. Looked for only where the container has a terminal. */
  readonly detachKeys: Buffer
  /** Which of the container's streams to show; with a terminal both come as stdout. */
  readonly shows: { readonly stdout: boolean; readonly stderr: boolean }
}

export type AttachEnd = 'ended' | 'detached'

/** This process's stdio joined to a container's. */
export interface AttachedStdio {
  /** Resolves when the container's output is at an end, or when the keys to detach were typed. */
  readonly end: Promise<AttachEnd>
  /** Let go and give the terminal back as it was. Called on every way out. */
  close(): void
}

/**
 * Join this process's stdin, stdout and stderr to a container's through its monitor.
 *
 * @throws  FAILED_PRECONDITION if there is no monitor
 */
export function attachStdio(bundle: Bundle, options: StdioOptions): AttachedStdio {
  const socket = new AttachSocket(bundle.attachSocket)
  const terminal = options.hasTerminal ? joinTerminal(bundle, options.takesInput) : undefined
  const output = socket.pump(async (stream, data) => {
    if (options.shows[stream]) await writeAsync(stream === 'stdout' ? 1 : 2, data)
  })
  const detached = Promise.withResolvers<AttachEnd>()
  if (options.takesInput) void passInput(socket, options, () => detached.resolve('detached'))
  const close = (): void => {
    terminal?.restore()
    if (options.takesInput) process.stdin.destroy()
    socket.close()
  }
  const end = Promise.race([output.then((): AttachEnd => 'ended'), detached.promise])
  return { end, close }
}

async function passInput(
  socket: AttachSocket,
  options: StdioOptions,
  onDetach: () => void,
): Promise<void> {
  const filter = new DetachKeyFilter(options.hasTerminal ? options.detachKeys : Buffer.alloc(0))
  try {
    for await (const chunk of process.stdin) {
      const { pass, isDetached } = filter.feed(chunk as Buffer)
      await socket.write(pass)
      if (isDetached) return onDetach()
    }
  } catch {
    // A stdin that cannot be read (closed by the caller, a terminal that hung up) is at its end.
  }
  socket.endInput()
}

/** Hand our terminal over: keys as they are typed, and the size, now and when it changes. */
function joinTerminal(bundle: Bundle, takesInput: boolean): { restore(): void } {
  const resize = (): void => {
    const { rows, columns } = process.stdout
    if (process.stdout.isTTY) resizeTerminal(bundle.controlFifo, rows, columns)
  }
  const isRaw = takesInput && process.stdin.isTTY
  if (isRaw) process.stdin.setRawMode(true)
  const restore = (): void => {
    process.off('SIGWINCH', resize)
    process.off('exit', restore)
    if (isRaw) process.stdin.setRawMode(false)
  }
  process.on('SIGWINCH', resize)
  process.on('exit', restore)
  resize()
  return { restore }
}
