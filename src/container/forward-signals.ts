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

/** Send on every signal that this process gets, until stopped. */
export function forwardSignals(record: ContainerRecord): { stop(): void } {
  const { process: target } = record
  const send = (signal: NodeJS.Signals): void => {
    if (target === undefined || !isAlive(target)) return
    try {
      process.kill(target.pid, signal)
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error
    }
  }
  for (const signal of forwarded) process.on(signal, send)
  return {
    stop: () => {
      for (const signal of forwarded) process.off(signal, send)
    },
  }
}
