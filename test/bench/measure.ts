import type { Trial } from './peers/peer.ts'
import { runCommand, timeCommand } from './run-command.ts'

export type Measured = { readonly durationsMs: readonly number[] } | { readonly failure: string }

/**
 * Time the trials in turn, A B A B: what the machine does besides meets all of them alike.
 *
 * @param trials  by the peer's name
 * @param times   measurements of each; the warm-up before them is not counted
 */
export async function measure(
  trials: ReadonlyMap<string, Trial>,
  times: number,
): Promise<Map<string, Measured>> {
  const durationsMs = new Map<string, number[]>()
  const failures = new Map<string, string>()
  async function attempt(name: string, action: () => Promise<void>): Promise<void> {
    if (failures.has(name)) return
    try {
      await action()
    } catch (error) {
      failures.set(name, (error as Error).message)
    }
  }
  try {
    for (const [name, trial] of trials) {
      durationsMs.set(name, [])
      await attempt(name, async () => {
        await trial.setUp?.()
        await timeOnce(trial)
      })
    }
    for (let round = 0; round < times; round += 1) {
      for (const [name, trial] of trials) {
        await attempt(name, async () => {
          durationsMs.get(name)?.push(await timeOnce(trial))
        })
      }
    }
  } finally {
    for (const [name, trial] of trials) await attempt(name, async () => trial.tearDown?.())
  }
  return new Map(
    [...durationsMs].map(([name, durations]) => {
      const failure = failures.get(name)
      return [name, failure === undefined ? { durationsMs: durations } : { failure }]
    }),
  )
}

/** The middle value; between the two middle ones if their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  if (upper === undefined || lower === undefined) throw new Error('bug: median of no values')
  return (lower + upper) / 2
}

async function timeOnce(trial: Trial): Promise<number> {
  for (const command of trial.before ?? []) await runCommand(command)
  return timeCommand(trial.command)
}
