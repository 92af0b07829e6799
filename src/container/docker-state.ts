import type { ContainerRecord } from '../store/containers.ts'
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
      return record.finishedAt === undefined ? 'created' : 'exited'
    case 'running':
      return isStale ? 'exited' : 'running'
    case 'exited':
      return 'exited'
    case 'removing':
      return isStale ? 'dead' : 'removing'
  }
}
