import { Chalk } from 'chalk'
import { MultiBar, type SingleBar } from 'cli-progress'
import type { Progress, ProgressStream } from './progress.ts'
import { progressLines } from './progress-lines.ts'
import { trackProgress } from './progress-state.ts'
import { wantsColor } from './wants-color.ts'

// What a colour's start and end codes add to a line: MultiBar cuts lines counting these too.
const colorCodeLength = 10

/**
 * Lines redrawn in place, each a bar of cli-progress that draws what `progressLines` says. Neither
 * the cursor nor the line wrapping of the terminal is changed, so a killed pull leaves it sound.
 */
export function createBarProgress(stream: ProgressStream): Progress {
  const state = trackProgress()
  const color = wantsColor(stream)
  const paint = new Chalk({ level: color ? 1 : 0 }).green
  let lines: readonly string[] = []
  const slots: SingleBar[] = []
  const multiBar = new MultiBar({
    stream,
    // An undefined or null here would switch wrapping off at the terminal itself.
    linewrap: true,
    hideCursor: false,
    gracefulExit: false,
    // A slot's line may move to another slot: what was last drawn in it says nothing.
    forceRedraw: true,
    format: (_options, _params, payload: { slot: number }) => lines[payload.slot] ?? '',
  })
  const compose = (): void => {
    lines = progressLines(state, {
      columns: (stream.columns ?? 80) - 1 - (color ? colorCodeLength : 0),
      rows: stream.rows ?? 24,
      paint,
    })
  }
  multiBar.on('redraw-pre', compose)
  multiBar.on('stop-pre-clear', compose)
  return {
    onEvent: (event) => {
      // The timer redraws; only a new state may need a new line at once.
      if (!state.apply(event).isNewStatus) return
      compose()
      while (slots.length < lines.length) {
        slots.push(multiBar.create(1, 0, { slot: slots.length }))
      }
    },
    finish: () => {
      if (slots.length > 0) multiBar.stop()
    },
  }
}
