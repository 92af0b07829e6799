import { hasCode } from '../errors.ts'
import { recordPrune } from '../store/events.ts'
import type { ContainerFilter } from './container-filters.ts'
import { containerSize } from './container-size.ts'
import { listForPs } from './list-containers.ts'
import { removeContainer } from './remove.ts'
import type { ContainerStores } from './stores.ts'

export interface PruneContainersRequest {
  readonly filters: readonly ContainerFilter[]
  /** Told of each that could not be removed; the rest is removed all the same. */
  readonly onProblem: (error: unknown) => void
}

export interface PrunedContainers {
  /** Whole ids, newest first. */
  readonly deleted: readonly string[]
  /** What they themselves had written. */
  readonly reclaimedBytes: number
}

/** Remove all containers that do not run. Source: docker container prune */
export async function pruneContainers(
  stores: ContainerStores,
  { filters, onProblem }: PruneContainersRequest,
): Promise<PrunedContainers> {
  const all = await listForPs(stores, { isAll: true, filters, onProblem })
  const stopped = all.filter(({ state }) => ['created', 'exited', 'dead'].includes(state))
  const deleted: string[] = []
  let reclaimedBytes = 0
  for (const { record } of stopped) {
    try {
      const { ownBytes } = containerSize(stores, record)
      await removeContainer(stores, { name: record.id, isForced: false, removesVolumes: false })
      deleted.push(record.id)
      reclaimedBytes += ownBytes
    } catch (error) {
      // Somebody was faster: it is gone, or it runs again.
      if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'FAILED_PRECONDITION')) continue
      onProblem(error)
    }
  }
  recordPrune(stores, 'container', reclaimedBytes)
  return { deleted, reclaimedBytes }
}
