import { isTransfer } from '../../image/progress.ts'
import { humanTransfer } from './human-size.ts'
import type { Progress, ProgressStream } from './progress.ts'
import { summaryLine } from './progress-lines.ts'
import { type ProgressEntry, trackProgress } from './progress-state.ts'

/** States that pass in a moment or say that nothing happens: a log is shorter without them. */
const untold: readonly string[] = ['resolving', 'waiting', 'verifying', 'downloaded']

/** One line for each change of state that is worth one, and a summary if anything happened. */
export function createPlainProgress(stream: ProgressStream): Progress {
  const state = trackProgress()
  return {
    onEvent: (event) => {
      const { entry, isNewStatus } = state.apply(event)
      if (!isNewStatus || untold.includes(entry.status)) return
      stream.write(`${entry.name}: ${entry.status}${sizesOf(entry)}\n`)
    },
    finish: () => {
      if (state.entries().length > 0) stream.write(`${summaryLine(state)}\n`)
    },
  }
}

function sizesOf({ status, offsetBytes, totalBytes, mountedFrom }: ProgressEntry): string {
  if (mountedFrom !== undefined) return ` from ${mountedFrom}`
  if (!isTransfer(status)) return ''
  const total = humanTransfer(totalBytes)
  return offsetBytes === 0 ? ` ${total}` : ` ${total}, resuming at ${humanTransfer(offsetBytes)}`
}
