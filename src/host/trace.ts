import { openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'

interface Phase {
  readonly name: string
  readonly startMs: number
  readonly endMs: number
}

let trace: { readonly path: string; readonly fd: number; readonly processName: string } | undefined
let phases: Phase[] = []

/**
 * From now on note when each phase begins and ends; when the process exits the file gets them, after
 * what other processes have written there.
 *
 * @throws  as openSync, if the file cannot be written
 * Source: Trace Event Format, "JSON Array Format", whose closing bracket may be missing
 */
export function startTrace(file: string, processName: string): void {
  // What is started by this command may work in another directory.
  const path = resolve(file)
  trace = { path, fd: openSync(path, 'a', 0o600), processName }
  phases.push({ name: 'start of the program', startMs: 0, endMs: performance.now() })
  process.once('exit', writeTrace)
}

/** At the end of the process, also where it becomes another program. */
export function writeTrace(): void {
  if (trace === undefined || phases.length === 0) return
  writeSync(trace.fd, formatTrace(trace.processName, phases))
  phases = []
}

/** The file that startTrace was given, for another process that belongs to this command. */
export function traceFile(): string | undefined {
  return trace?.path
}

/** Do something that is a phase of the command; phases may lie in each other and beside each other. */
export function traced<T>(name: string, body: () => T): T {
  if (trace === undefined) return body()
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
