import { TsctrError } from '../errors.ts'
import { nilMap } from '../oci/nil.ts'
import { getVolume, type VolumeRecord, volumeUsers } from '../store/volumes.ts'
import type { VolumeStores } from './remove-volume.ts'
import { volumeDirectories } from './volume-directories.ts'

/**
 * All that is known of a volume, in docker's form, and who uses it.
 *
 * @throws  NOT_FOUND
 * Source: docker Engine API "Volume"
 */
export function inspectVolume(stores: VolumeStores, name: string): object {
  const volume = getVolume(stores.database, name)
  if (volume === undefined) {
    throw new TsctrError('NOT_FOUND', `volume ${name}: no such volume`)
  }
  return {
    CreatedAt: volume.createdAt.toISOString(),
    Driver: volume.driver,
    Labels: mapOf(volume.labels),
    Mountpoint: volumeDirectories(stores.dataRoot, name).data,
    Name: name,
    Options: mapOf(volume.options),
    Scope: 'local',
    Users: volumeUsers(stores.database, name).map((user) => ({ Id: user.id, Name: user.name })),
  }
}

function mapOf(record: VolumeRecord['labels']): object {
  const entries = Object.entries(record)
  return entries.length === 0 ? nilMap : new Map(entries)
}
