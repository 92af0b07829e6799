import { listVolumes, volumeUsers } from '../store/volumes.ts'
import { volumeSize } from './prune-volumes.ts'
import type { VolumeStores } from './remove-volume.ts'

export interface VolumesUsage {
  readonly total: number
  /** Those that a container has. */
  readonly active: number
  readonly sizeBytes: number
  /** Of that, what those have that no container has. */
  readonly reclaimableBytes: number
}

export interface VolumeUsage {
  readonly name: string
  /** How many containers have it. */
  readonly users: number
  readonly sizeBytes: number
}

/** Space of volumes; walks through what is in each. */
export function volumesUsage(stores: VolumeStores): VolumesUsage {
  const all = listVolumeUsage(stores)
  const sum = (some: readonly VolumeUsage[]): number =>
    some.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  return {
    total: all.length,
    active: all.filter(({ users }) => users > 0).length,
    sizeBytes: sum(all),
    reclaimableBytes: sum(all.filter(({ users }) => users === 0)),
  }
}

/** Each volume by name. */
export function listVolumeUsage({ database, dataRoot }: VolumeStores): VolumeUsage[] {
  return listVolumes(database).map(({ name }) => ({
    name,
    users: volumeUsers(database, name).length,
    sizeBytes: volumeSize(dataRoot, name),
  }))
}
