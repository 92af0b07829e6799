import { readFileSync } from 'node:fs'
import { type ContainerRecord, getContainer, listContainers } from '../store/containers.ts'
import { asConfig } from './config.ts'
import { isRestarting } from './docker-state.ts'
import { isRunning } from './observe.ts'
import { settleContainer } from './settle.ts'
import { startContainer } from './start.ts'
import type { ContainerStores } from './stores.ts'

export interface Recovered {
  readonly record: ContainerRecord
  /** undefined: it runs now. */
  readonly failure?: unknown
}

/**
 * Bring the containers of all namespaces up to date with what happened to their processes, and
 * start those that their restart policy wants to run: after a reboot, or when a monitor was killed.
 *
 * @param inNamespace  the same stores with another namespace
 * @returns            the containers that were started, or could not be
 * Source: docker run --restart
 */
export async function recoverContainers(
  stores: ContainerStores,
  inNamespace: (namespace: string) => ContainerStores,
): Promise<Recovered[]> {
  const bootedAt = bootTime()
  const recovered: Recovered[] = []
  for (const { id, namespace } of listContainers(stores.database).toReversed()) {
    const own = inNamespace(namespace)
    await settleContainer(own, id)
    const record = getContainer(stores.database, id)
    if (record === undefined || !wantsToRun(record, bootedAt)) continue
    try {
      const started = await startContainer(own, { name: id })
      recovered.push({ record: started })
    } catch (failure) {
      recovered.push({ record, failure })
    }
  }
  return recovered
}

function wantsToRun(record: ContainerRecord, bootedAt: Date): boolean {
  // One that was never started waits for its user; one that runs or is about to needs nothing.
  if (record.state !== 'exited' || isRunning(record) || isRestarting(record)) return false
  const { restartPolicy } = asConfig(record.config)
  switch (restartPolicy?.name) {
    case 'unless-stopped':
      return !record.isStopRequested
    case 'always':
      // Stopped by its user, it comes back with the machine.
      return !record.isStopRequested || (record.finishedAt ?? bootedAt) < bootedAt
    case 'on-failure':
      return !record.isStopRequested && record.exitCode !== 0 && hasRetries(record)
    default:
      return false
  }
}

function hasRetries({ restart, config }: ContainerRecord): boolean {
  const maximumRetries = asConfig(config).restartPolicy?.maximumRetries ?? 0
  return maximumRetries === 0 || restart.count < maximumRetries
}

/** Source: proc(5) /proc/stat btime */
function bootTime(): Date {
  const seconds = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'ascii'))?.[1]
  return new Date(Number(seconds) * 1000)
}
