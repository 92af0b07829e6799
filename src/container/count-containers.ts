import type { Database } from '../host/database.ts'
import { isAlive } from '../host/owner.ts'
import { type ContainerRecord, listContainers } from '../store/containers.ts'

export interface ContainerCounts {
  readonly running: number
  readonly stopped: number
}

/** How many containers a namespace has: a record that claims to run counts only if its process does. */
export function countContainers(database: Database, namespace: string): ContainerCounts {
  const containers = listContainers(database, namespace)
  const running = containers.filter(isRunning).length
  return { running, stopped: containers.length - running }
}

function isRunning({ state, process }: ContainerRecord): boolean {
  return state === 'running' && process !== undefined && isAlive(process)
}
