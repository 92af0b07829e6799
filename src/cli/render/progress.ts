import type { ProgressEvent } from '../../image/progress.ts'
import { createJsonProgress } from './progress-json.ts'
import { createPlainProgress } from './progress-plain.ts'

export const progressModes = ['auto', 'plain', 'json', 'none'] as const
export type ProgressMode = (typeof progressModes)[number]

export type ProgressStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

export interface Progress {
  readonly onEvent: (event: ProgressEvent) => void
  /** Draw the last state and stop: call it in `finally`, or a redrawing timer keeps the process. */
  readonly finish: () => void
}

/**
 * What shows a pull's progress on `stream` (stderr).
 *
 * - `auto`: lines redrawn in place on a terminal, otherwise as `plain`
 * - `plain`: one line for each change of state, for logs: no cursor codes, no colour
 * - `json`: one object a line, each a ProgressEvent, at last `{"kind":"finished",…}`
 * - `none`: nothing
 */
export async function createProgress(
  mode: ProgressMode,
  stream: ProgressStream,
): Promise<Progress> {
  switch (mode) {
    case 'none':
      return { onEvent: () => undefined, finish: () => undefined }
    case 'json':
      return createJsonProgress(stream)
    case 'plain':
      return createPlainProgress(stream)
    case 'auto': {
      if (stream.isTTY !== true || process.env.TERM === 'dumb') return createPlainProgress(stream)
      // cli-progress and chalk are loaded only where something is drawn.
      const { createBarProgress } = await import('./progress-bars.ts')
      return createBarProgress(stream)
    }
  }
}
