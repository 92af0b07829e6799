import { TsctrError } from '../../errors.ts'
import { startWorker } from '../../host/worker.ts'
import type { CopyAnswer, PortableError } from './copy-worker.ts'
import type { CopyOutcome, CopyTask } from './run-copy.ts'
import { fillShared, type SharedInput } from './shared-input.ts'

export interface CopyResult extends CopyOutcome {
  /** Whoever read the archive has seen enough. */
  readonly isReaderGone: boolean
}

export interface CopyInput {
  readonly shared: SharedInput
  readonly source: AsyncIterable<Buffer>
  /** What errors call it; `stdin` unless given. */
  readonly shown?: string | undefined
}

/**
 * Copy in a thread, so that a signal is seen while it waits for a pipe or a disk.
 *
 * @param input   what fills the task's shared input
 * @param signal  ends the copy; what it has half done is taken away first
 * @throws        as runCopy; the signal's reason
 */
export async function copyApart(
  task: CopyTask,
  input: CopyInput | undefined,
  signal: AbortSignal,
): Promise<CopyResult> {
  signal.throwIfAborted()
  const interrupt = (): void => void Atomics.store(new Int32Array(task.interruption), 0, 1)
  signal.addEventListener('abort', interrupt, { once: true })
  const worker = startWorker('container/copy/copy-worker', task)
  const filling = new AbortController()
  let inputFailure: unknown
  try {
    const answered = new Promise<CopyAnswer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('bug: copying thread ended early')))
    })
    if (input !== undefined) {
      fillShared(input.shared, input.source, filling.signal, input.shown).catch(
        (error: unknown) => {
          inputFailure = error
        },
      )
    }
    const answer = await answered
    signal.throwIfAborted()
    if ('isReaderGone' in answer) return { copiedBytes: 0, isReaderGone: true }
    if ('outcome' in answer) return { ...answer.outcome, isReaderGone: false }
    // What was wrong with stdin says more than that the thread got no more of it.
    throw inputFailure ?? revived(answer.failure)
  } finally {
    filling.abort()
    signal.removeEventListener('abort', interrupt)
    await worker.terminate()
  }
}

function revived({ code, message, hint, stack }: PortableError): Error {
  const error = code === undefined ? new Error(message) : new TsctrError(code, message, { hint })
  if (stack !== undefined) error.stack = stack
  return error
}
