import { hasCode } from '../errors.ts'
import { measureUsage } from '../snapshot/usage.ts'
import { recordPrune } from '../store/events.ts'
import { listVolumes } from '../store/volumes.ts'
import { removeVolume, type VolumeStores } from './remove-volume.ts'
import { deleteRemoved } from './removed-volumes.ts'
import { volumeDirectories } from './volume-directories.ts'
import { passesVolumeFilters, type VolumeFilter } from './volume-filters.ts'

export interface PrunedVolumes {
  readonly deleted: readonly string[]
  readonly reclaimedBytes: number
}

/**
 * Remove volumes that no container has.
 *
 * @param request.isAll  those with a name too, not the anonymous ones alone
 * Source: docker volume prune
 */
export function pruneVolumes(
  stores: VolumeStores,
  request: { readonly isAll: boolean; readonly filters: readonly VolumeFilter[] },
): PrunedVolumes {
  const deleted: string[] = []
  let reclaimedBytes = 0
  for (const volume of listVolumes(stores.database)) {
    if (!request.isAll && !volume.isAnonymous) continue
    const filters: VolumeFilter[] = [...request.filters, { kind: 'dangling', isWanted: true }]
    if (!passesVolumeFilters(stores.database, volume, filters)) continue
    const sizeBytes = volumeSize(stores.dataRoot, volume.name)
    try {
      removeVolume(stores, volume.name)
    } catch (error) {
      // Somebody took it, or removed it, meanwhile.
      if (!hasCode(error, 'FAILED_PRECONDITION') && !hasCode(error, 'NOT_FOUND')) throw error
      continue
    }
    deleted.push(volume.name)
    reclaimedBytes += sizeBytes
  }
  deleteRemoved(stores)
  recordPrune(stores, 'volume', reclaimedBytes)
  return { deleted, reclaimedBytes }
}

/** What a volume takes on disk. */
export function volumeSize(dataRoot: string, name: string): number {
  return measureUsage(volumeDirectories(dataRoot, name).data).sizeBytes
}
