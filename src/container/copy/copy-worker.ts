import type { MessagePort } from 'node:worker_threads'
import { type ErrorCode, isErrno, TsctrError } from '../../errors.ts'
import { type CopyOutcome, type CopyTask, runCopy } from './run-copy.ts'

/** A class does not survive the way between threads: its fields do. */
export interface PortableError {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly hint: string | undefined
  readonly stack: string | undefined
}

export type CopyAnswer =
  | { readonly outcome: CopyOutcome }
  | { readonly failure: PortableError }
  /** Whoever read the archive has seen enough. */
  | { readonly isReaderGone: true }

/** The thread that copies: it may wait for a pipe while the one that started it sees signals. */
export function run(input: unknown, port: MessagePort): void {
  port.postMessage(answerTo(input as CopyTask))
}

function answerTo(task: CopyTask): CopyAnswer {
  try {
    return { outcome: runCopy(task) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if (isErrno(error, 'EPIPE')) return { isReaderGone: true }
    const { message, stack } = error
    const ours = error instanceof TsctrError ? error : undefined
    return { failure: { code: ours?.code, message, hint: ours?.hint, stack } }
  }
}
