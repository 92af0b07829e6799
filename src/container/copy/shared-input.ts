import { decompressArchive } from '../../archive/decompress-archive.ts'
import { TsctrError } from '../../errors.ts'
import type { LayerStream } from '../../layer/decompress.ts'

/** A stream that one thread fills and another takes from, through memory they share. */
export interface SharedInput {
  readonly state: SharedArrayBuffer
  readonly bytes: SharedArrayBuffer
}

const capacityBytes = 256 * 1024
const states = { empty: 0, full: 1, ended: 2, failed: 3 } as const
const stateAt = 0
const lengthAt = 1
/** How often the one who waits looks whether it is to go on. */
const checkMs = 100

export function createSharedInput(): SharedInput {
  return { state: new SharedArrayBuffer(8), bytes: new SharedArrayBuffer(capacityBytes) }
}

/** The side that takes, in a thread that may wait. */
export function streamOfShared(input: SharedInput, check: () => void): LayerStream {
  const state = new Int32Array(input.state)
  const bytes = Buffer.from(input.bytes)
  let offset = 0
  return {
    read: (into) => {
      while (Atomics.wait(state, stateAt, states.empty, checkMs) === 'timed-out') check()
      const now = Atomics.load(state, stateAt)
      if (now === states.failed) throw new TsctrError('UNAVAILABLE', 'stdin: cannot be read')
      if (now === states.ended) return 0
      const length = Atomics.load(state, lengthAt)
      const copied = bytes.copy(into, 0, offset, length)
      offset += copied
      if (offset === length) {
        offset = 0
        Atomics.store(state, stateAt, states.empty)
        Atomics.notify(state, stateAt)
      }
      return copied
    },
    close: () => {},
  }
}

/**
 * The side that fills: all of an archive, decompressed if it is packed with gzip or zstd. It ends
 * when everything was taken or `signal` is aborted.
 *
 * @throws  INVALID_ARGUMENT for a damaged stream, UNSUPPORTED for another compression
 */
export async function fillShared(
  input: SharedInput,
  source: AsyncIterable<Buffer>,
  signal: AbortSignal,
  shown = 'stdin',
): Promise<void> {
  const state = new Int32Array(input.state)
  try {
    // Never by a program: the one that is found might be a container's (CVE-2026-41567).
    for await (const chunk of decompressArchive(source, shown)) {
      for (let offset = 0; offset < chunk.length; offset += capacityBytes) {
        await untilEmpty(state, signal)
        const piece = chunk.subarray(offset, offset + capacityBytes)
        Buffer.from(input.bytes).set(piece)
        Atomics.store(state, lengthAt, piece.length)
        settle(state, states.full)
      }
    }
    await untilEmpty(state, signal)
    settle(state, states.ended)
  } catch (error) {
    settle(state, states.failed)
    throw error
  }
}

async function untilEmpty(state: Int32Array, signal: AbortSignal): Promise<void> {
  while (Atomics.load(state, stateAt) === states.full) {
    signal.throwIfAborted()
    await Atomics.waitAsync(state, stateAt, states.full, checkMs).value
  }
  signal.throwIfAborted()
}

function settle(state: Int32Array, value: number): void {
  Atomics.store(state, stateAt, value)
  Atomics.notify(state, stateAt)
}
