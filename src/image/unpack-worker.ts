import type { MessagePort } from 'node:worker_threads'
import { type ErrorCode, TsctrError } from '../errors.ts'
import { startWorker } from '../host/worker.ts'
import { type AppliedLayer, type ApplyLayerOptions, applyLayer } from '../layer/apply-layer.ts'

type Answer = { readonly applied: AppliedLayer } | { readonly failure: PortableError }

/** A class does not survive the way between threads: its fields do. */
interface PortableError {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly hint: string | undefined
  readonly stack: string | undefined
}

/** Where a thread of its own would take longer to start than the layer takes to unpack. */
const maxInlineBytes = 256 * 1024

/**
 * Apply a layer in a thread, so that layers unpack side by side and downloads go on meanwhile.
 *
 * @param sizeBytes  of the blob; a small one is applied here and now
 * @param signal     ends the thread; what it wrote so far stays
 * @throws           as applyLayer
 */
export async function applyLayerApart(
  options: ApplyLayerOptions,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<AppliedLayer> {
  signal.throwIfAborted()
  if (sizeBytes <= maxInlineBytes) return applyLayer(options)
  const worker = startWorker('image/unpack-worker', options)
  const stop = (): void => void worker.terminate()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () =>
        reject(signal.aborted ? signal.reason : new Error('bug: unpack thread ended early')),
      )
    })
    if ('applied' in answer) return answer.applied
    throw revived(answer.failure)
  } finally {
    signal.removeEventListener('abort', stop)
    await worker.terminate()
  }
}

/** The thread's side. */
export function run(input: unknown, port: MessagePort): void {
  port.postMessage(answerTo(input as ApplyLayerOptions))
}

function answerTo(options: ApplyLayerOptions): Answer {
  try {
    return { applied: applyLayer(options) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const isOurs = error instanceof TsctrError
    const { message, stack } = error
    return {
      failure: {
        code: isOurs ? error.code : undefined,
        message,
        hint: isOurs ? error.hint : undefined,
        stack,
      },
    }
  }
}

function revived({ code, message, hint, stack }: PortableError): Error {
  const error = code === undefined ? new Error(message) : new TsctrError(code, message, { hint })
  if (stack !== undefined) error.stack = stack
  return error
}
