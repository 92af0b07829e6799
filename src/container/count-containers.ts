import type { Database } from '../host/database.ts'
import { listContainers } from '../store/containers.ts'
import { countsAsRunning, dockerState } from './docker-state.ts'

export interface ContainerCounts {
  /** Those that are paused not among them, as docker counts. */
  readonly running: number
  readonly paused: number
  readonly stopped: number
}

/** How many containers a namespace has: a record that claims to run counts only if its process does. */
export function countContainers(database: Database, namespace: string): ContainerCounts {
  const states = listContainers(database, namespace).map((record) => dockerState(record))
  const paused = states.filter((state) => state === 'paused').length
  const running = states.filter(countsAsRunning).length - paused
  return { running, paused, stopped: states.length - running - paused }
}
