import { isAlive } from '../host/owner.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { isPaused } from './is-paused.ts'
import { type Observation, observe } from './observe.ts'

/** Source: docker Engine API "ContainerState" */
export const dockerStates = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
] as const

export type DockerState = (typeof dockerStates)[number]

/** A container's state in docker's words, as it is now. */
export function dockerState(
  record: ContainerRecord,
  observation: Observation = observe(record),
): DockerState {
  // A record that could not be settled: what is left of the container waits for the next attempt.
  const isStale = observation.kind === 'stale'
  switch (record.state) {
    case 'created':
    case 'creating':
      return 'created'
    case 'starting':
      if (record.restart.delayMs !== undefined) return 'restarting'
      return record.finishedAt === undefined ? 'created' : 'exited'
    case 'running':
      if (isStale) return 'exited'
      return isPaused(record) ? 'paused' : 'running'
    case 'exited':
      return isRestarting(record) ? 'restarting' : 'exited'
    case 'removing':
      return isStale ? 'dead' : 'removing'
  }
}

/** Whether it has ended, and the exit hook of its last run is about to start it again. */
export function isRestarting({ state, restart, monitor }: ContainerRecord): boolean {
  return state === 'exited' && restart.at !== undefined && monitor !== undefined && isAlive(monitor)
}

/** Docker counts one that is paused or about to be started again as running. */
export function countsAsRunning(state: DockerState): boolean {
  return state === 'running' || state === 'paused' || state === 'restarting'
}
