import { constants } from 'node:os'
import { exitCodes, TsctrError } from '../errors.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How long an interrupted action may take to leave things tidy; the store needs none of it. */
const graceMs = 800

/**
 * Run a long action that Ctrl-C ends: its signal is aborted with an error that exits with 128 and
 * the signal's number. An action that does not end, and a second Ctrl-C, end the process at once.
 */
export async function interruptible<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController()
  let deadline: NodeJS.Timeout | undefined
  const interrupt = (name: NodeJS.Signals): void => {
    const exitCode = exitCodes.signalBase + constants.signals[name]
    if (interruption.signal.aborted) process.exit(exitCode)
    deadline = setTimeout(() => process.exit(exitCode), graceMs)
    interruption.abort(new TsctrError('UNAVAILABLE', 'interrupted', { exitCode }))
  }
  for (const name of signals) process.on(name, interrupt)
  try {
    return await action(interruption.signal)
  } finally {
    clearTimeout(deadline)
    for (const name of signals) process.off(name, interrupt)
  }
}

/**
 * Run something that goes on until it is told to end: Ctrl-C aborts its signal and is no failure.
 */
export async function untilInterrupted(
  action: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const end = new AbortController()
  const interrupt = (): void => end.abort()
  for (const name of signals) process.once(name, interrupt)
  try {
    await action(end.signal)
  } finally {
    for (const name of signals) process.off(name, interrupt)
  }
}
