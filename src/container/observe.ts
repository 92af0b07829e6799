import { isAlive } from '../host/owner.ts'
import type { ContainerRecord, ContainerState } from '../store/containers.ts'

/** What a container's record and its processes say together. */
export type Observation =
  /** The record is right. */
  | { readonly kind: 'settled'; readonly state: ContainerState }
  /** Somebody is at work on it right now. */
  | { readonly kind: 'busy'; readonly state: ContainerState }
  /** The record is behind what happened; settleContainer brings it up to date. */
  | { readonly kind: 'stale' }

/**
 * Compare a record with the processes it names. A pid counts only with its start time and boot id,
 * so nothing is `running` after a reboot or when the pid was given to another process.
 */
export function observe(record: ContainerRecord): Observation {
  switch (record.state) {
    case 'created':
    case 'exited':
      return { kind: 'settled', state: record.state }
    case 'running': {
      const isRunning = record.process !== undefined && isAlive(record.process)
      const isMonitored = record.monitor !== undefined && isAlive(record.monitor)
      return isRunning && isMonitored ? { kind: 'settled', state: 'running' } : { kind: 'stale' }
    }
    case 'creating':
    case 'starting':
    case 'removing':
      return record.owner !== undefined && isAlive(record.owner)
        ? { kind: 'busy', state: record.state }
        : { kind: 'stale' }
  }
}

/** Whether a container's process runs now. */
export function isRunning(record: ContainerRecord): boolean {
  const observation = observe(record)
  return observation.kind === 'settled' && observation.state === 'running'
}

/** Whether a container runs whose health nobody has checked, because the helper was killed. */
export function lacksHealthHelper({ state, health }: ContainerRecord): boolean {
  if (state !== 'running' || health === undefined) return false
  return health.helper === undefined || !isAlive(health.helper)
}

/** Whether settleContainer has something to do. */
export function needsSettling(record: ContainerRecord): boolean {
  return observe(record).kind === 'stale' || lacksHealthHelper(record)
}
