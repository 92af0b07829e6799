import type { Progress, ProgressStream } from './progress.ts'
import { trackProgress } from './progress-state.ts'

// Chunks arrive by the thousand a second; a reader wants to draw, not to count them.
const intervalMs = 100

/** One JSON object a line. Bytes of a download are told at most ten times a second. */
export function createJsonProgress(stream: ProgressStream): Progress {
  const state = trackProgress()
  const toldAtMs = new Map<string, number>()
  return {
    onEvent: (event) => {
      const { entry, isNewStatus } = state.apply(event)
      const now = state.elapsedMs()
      if (!isNewStatus && now - (toldAtMs.get(entry.name) ?? 0) < intervalMs) return
      toldAtMs.set(entry.name, now)
      stream.write(`${JSON.stringify(event)}\n`)
    },
    finish: () => {
      const summary = {
        kind: 'finished',
        elapsedMs: Math.round(state.elapsedMs()),
        transferredBytes: state.transferredBytes(),
      }
      stream.write(`${JSON.stringify(summary)}\n`)
    },
  }
}
