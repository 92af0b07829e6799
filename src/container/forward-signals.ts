import { isErrno } from '../errors.ts'
import { isAlive } from '../host/owner.ts'
import type { ContainerRecord } from '../store/containers.ts'

/** What a container's process may be sent through `tsctr run`. Source: docker run --sig-proxy */
const forwarded = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGALRM',
] as const

/** Signals of these that nobody handles end this process. */
const ending = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const

export interface SignalForwarder {
  /** The container's process is there: it gets what came so far and what comes. */
  sendTo(record: ContainerRecord): void
  stop(): void
}

/**
 * Whether the container gets the signals that this process gets. Where a terminal is joined, docker's
 * `run` passes them on, its `attach` and `start` do not: what Ctrl-C means is typed, and a terminal
 * that hangs up ends whoever is attached, not the container.
 *
 * Source: docker/cli container/run.go, attach.go, start.go
 */
export type SignalProxy = 'always' | 'without-terminal' | 'never'

/** @param tidyUp  before a signal ends this process */
export function proxySignals(
  proxy: SignalProxy,
  hasTerminal: boolean,
  tidyUp: () => void,
): SignalForwarder {
  const isProxy = proxy === 'always' || (proxy === 'without-terminal' && !hasTerminal)
  return isProxy ? forwardSignals() : tidyUpOnSignals(tidyUp)
}

/** Send on every signal that this process gets, until stopped; those that come early wait. */
function forwardSignals(): SignalForwarder {
  let receiver: ContainerRecord | undefined
  const early: NodeJS.Signals[] = []
  const forward = (signal: NodeJS.Signals): void => {
    if (receiver === undefined) early.push(signal)
    else send(receiver, signal)
  }
  for (const signal of forwarded) process.on(signal, forward)
  return {
    sendTo: (record) => {
      receiver = record
      for (const signal of early.splice(0)) send(record, signal)
    },
    stop: () => {
      for (const signal of forwarded) process.off(signal, forward)
    },
  }
}

/** Let signals end this process and leave the container alone, but tidy up first. */
function tidyUpOnSignals(tidyUp: () => void): SignalForwarder {
  const stop = (): void => {
    for (const signal of ending) process.off(signal, end)
  }
  const end = (signal: NodeJS.Signals): void => {
    tidyUp()
    stop()
    process.kill(process.pid, signal)
  }
  for (const signal of ending) process.on(signal, end)
  return { sendTo: () => {}, stop }
}

function send({ process: target }: ContainerRecord, signal: NodeJS.Signals): void {
  if (target === undefined || !isAlive(target)) return
  try {
    process.kill(target.pid, signal)
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}
