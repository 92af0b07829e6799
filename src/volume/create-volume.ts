import { writeTransaction } from '../host/database.ts'
import { recordEvent } from '../store/events.ts'
import { getVolume, insertVolume, type VolumeRecord } from '../store/volumes.ts'
import type { VolumeStores } from './remove-volume.ts'
import { ensureVolumeDirectories } from './volume-directories.ts'

export type NewVolume = Omit<VolumeRecord, 'createdAt' | 'driver'>

/** Make a volume; one of that name that is there is left as it is. */
export function createVolume(stores: VolumeStores, volume: NewVolume): VolumeRecord {
  writeTransaction(stores.database, () => declareVolume(stores, volume))
  ensureVolumeDirectories(stores.dataRoot, volume.name)
  const record = getVolume(stores.database, volume.name)
  if (record === undefined) throw new Error(`bug: volume ${volume.name} is gone`)
  return record
}

/** The row alone, within a caller's transaction; ensureVolumeDirectories makes the rest. */
export function declareVolume(
  { database, namespace }: Pick<VolumeStores, 'database' | 'namespace'>,
  volume: NewVolume,
): void {
  if (!insertVolume(database, { ...volume, driver: 'local' })) return
  const attributes = { driver: 'local' }
  recordEvent(database, {
    namespace,
    type: 'volume',
    action: 'create',
    actorId: volume.name,
    attributes,
  })
}
