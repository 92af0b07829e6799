import { AttachSocket } from '../runtime/attach-socket.ts'
import type { Bundle } from '../runtime/bundle.ts'
import { resizeTerminal } from '../runtime/terminal-size.ts'
import type { CallerStdio } from './caller-stdio.ts'
import { DetachKeyFilter } from './detach-keys.ts'

export interface StdioOptions {
  readonly caller: CallerStdio
  /** Pass the caller's stdin on. */
  readonly takesInput: boolean
  /** The container has a terminal: its size follows the caller's, keys arrive raw. */
  readonly hasTerminal: boolean
  /** Bytes that detach; empty for none. Looked for only where the container has a terminal. */
  readonly detachKeys: Buffer
  /** Which of the container's streams to show; with a terminal both come as stdout. */
  readonly shows: { readonly stdout: boolean; readonly stderr: boolean }
}

/** `hung-up`: the terminal that the keys came from has gone. */
export type AttachEnd = 'ended' | 'detached' | 'hung-up'

/** The caller's stdio joined to a container's. */
export interface AttachedStdio {
  /** Resolves when the container's output is at an end, or the caller has left. */
  readonly end: Promise<AttachEnd>
  /** Let go and give the terminal back as it was. Called on every way out, also twice. */
  close(): void
}

/**
 * Join the caller's stdin, stdout and stderr to a container's through its monitor.
 *
 * @throws  FAILED_PRECONDITION if there is no monitor
 */
export function attachStdio(bundle: Bundle, options: StdioOptions): AttachedStdio {
  const { caller, takesInput } = options
  const socket = new AttachSocket(bundle.attachSocket)
  const giveBack = options.hasTerminal ? joinTerminal(bundle, caller, takesInput) : () => {}
  const output = socket.pump(async (stream, data) => {
    if (options.shows[stream]) await caller.write(stream, data)
  })
  const detached = Promise.withResolvers<AttachEnd>()
  if (takesInput) void passInput(socket, options, detached.resolve)
  const close = (): void => {
    giveBack()
    if (takesInput) caller.closeInput()
    socket.close()
  }
  const end = Promise.race([output.then((): AttachEnd => 'ended'), detached.promise])
  return { end, close }
}

async function passInput(
  socket: AttachSocket,
  options: StdioOptions,
  onEnd: (end: AttachEnd) => void,
): Promise<void> {
  const isTerminal = options.hasTerminal && options.caller.hasTerminalInput()
  const filter = new DetachKeyFilter(options.hasTerminal ? options.detachKeys : Buffer.alloc(0))
  try {
    for await (const chunk of options.caller.input()) {
      const { pass, isDetached } = filter.feed(chunk)
      await socket.write(pass)
      if (isDetached) return onEnd('detached')
    }
  } catch {
    // A stdin that cannot be read (closed by the caller, a terminal that hung up) is at its end.
  }
  // Raw, a terminal has no key for the end of the input.
  if (isTerminal) onEnd('hung-up')
  else socket.endInput()
}

/** Hand the caller's terminal over: keys as they are typed, and the size, now and when it changes. */
function joinTerminal(bundle: Bundle, caller: CallerStdio, takesInput: boolean): () => void {
  const resize = (): void => {
    const size = caller.size()
    if (size !== undefined) resizeTerminal(bundle.controlFifo, size.rows, size.columns)
  }
  const endRaw = takesInput ? caller.takeKeysRaw() : () => {}
  const endResize = caller.onResize(resize)
  resize()
  return () => {
    endResize()
    endRaw()
  }
}
