import { humanTransfer } from './human-size.ts'
import type { Progress, ProgressStream } from './progress.ts'
import { summaryLine } from './progress-lines.ts'
import { type ProgressEntry, trackProgress } from './progress-state.ts'

/** One line for each change of state, and a summary if anything happened. */
export function createPlainProgress(stream: ProgressStream): Progress {
  const state = trackProgress()
  return {
    onEvent: (event) => {
      const { entry, isNewStatus } = state.apply(event)
      if (isNewStatus) stream.write(`${entry.name}: ${entry.status}${sizesOf(entry)}\n`)
    },
    finish: () => {
      if (state.entries().length > 0) stream.write(`${summaryLine(state)}\n`)
    },
  }
}

function sizesOf({ status, offsetBytes, totalBytes }: ProgressEntry): string {
  if (status !== 'downloading') return ''
  const total = humanTransfer(totalBytes)
  return offsetBytes === 0 ? ` ${total}` : ` ${total}, resuming at ${humanTransfer(offsetBytes)}`
}
