import { appendFileSync } from 'node:fs'

interface Phase {
  readonly name: string
  readonly startMs: number
  readonly endMs: number
}

let path: string | undefined
const phases: Phase[] = []

/**
 * From now on note when each phase begins and ends; when the process exits the file gets them, after
 * what other processes have written there.
 *
 * Source: Trace Event Format, "JSON Array Format", whose closing bracket may be missing
 */
export function startTrace(file: string, processName: string): void {
  path = file
  phases.push({ name: 'start of the program', startMs: 0, endMs: performance.now() })
  process.once('exit', () => {
    if (path === undefined) return
    appendFileSync(path, formatTrace(processName, phases), { mode: 0o600 })
  })
}

/** The file that startTrace was given, for another process that belongs to this command. */
export function traceFile(): string | undefined {
  return path
}

/** Do something that is a phase of the command; phases may lie in each other and beside each other. */
export function traced<T>(name: string, body: () => T): T {
  if (path === undefined) return body()
  const startMs = performance.now()
  const end = (): void => void phases.push({ name, startMs, endMs: performance.now() })
  let result: T
  try {
    result = body()
  } catch (error) {
    end()
    throw error
  }
  if (result instanceof Promise) result.then(end, end)
  else end()
  return result
}

/** @internal For tests. */
export function formatTrace(processName: string, all: readonly Phase[]): string {
  const originUs = performance.timeOrigin * 1000
  const { pid } = process
  const events = [
    { name: 'process_name', ph: 'M', pid, tid: pid, args: { name: processName } },
    ...lanesOf(all).map(({ name, startMs, endMs, lane }) => ({
      name,
      ph: 'X',
      pid,
      tid: pid + lane,
      ts: Math.round(originUs + startMs * 1000),
      dur: Math.round((endMs - startMs) * 1000),
    })),
  ]
  return events.map((event) => `${JSON.stringify(event)},\n`).join('')
}

/** A viewer draws what overlaps, and is not nested, rightly only in lanes of their own. */
function lanesOf(all: readonly Phase[]): (Phase & { lane: number })[] {
  const open: Phase[][] = []
  return all
    .toSorted((a, b) => a.startMs - b.startMs || b.endMs - a.endMs)
    .map((phase) => {
      const fits = (lane: Phase[]): boolean => {
        while ((lane.at(-1)?.endMs ?? Infinity) <= phase.startMs) lane.pop()
        return lane.every(({ endMs }) => phase.endMs <= endMs)
      }
      let lane = open.findIndex(fits)
      if (lane < 0) lane = open.push([]) - 1
      open[lane]?.push(phase)
      return { ...phase, lane }
    })
}
