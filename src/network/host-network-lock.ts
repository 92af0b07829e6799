import { closeSync, constants, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { tryFlock } from '../host/libc.ts'

/** Held until released or until the process dies. */
export interface HostNetworkLock {
  release(): void
}

/**
 * Keep other processes, those of other data roots too, from changing bridges and rules meanwhile.
 * What is locked is the network namespace itself: all that share it meet there, whatever their
 * directories are, and no file is left.
 */
export async function lockHostNetwork(): Promise<HostNetworkLock> {
  const fd = openSync('/proc/thread-self/ns/net', constants.O_RDONLY)
  try {
    for (let waitMs = 1; !tryFlock(fd, 'exclusive'); waitMs = Math.min(waitMs * 2, 20)) {
      await delay(waitMs)
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { release: () => closeSync(fd) }
}
