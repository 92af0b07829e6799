import { isDeepStrictEqual } from 'node:util'
import { TsctrError } from '../errors.ts'
import { type Database, writeTransaction } from '../host/database.ts'
import { recordEvent } from '../store/events.ts'
import { getVolume, insertVolume, type VolumeRecord } from '../store/volumes.ts'
import type { VolumeStores } from './remove-volume.ts'
import { discardRemoved } from './removed-volumes.ts'
import { ensureVolumeDirectories } from './volume-directories.ts'
import { checkVolumeOptions } from './volume-options.ts'

export type NewVolume = Omit<VolumeRecord, 'createdAt' | 'driver'>

/**
 * Make a volume; one of that name that is there is left as it is.
 *
 * @throws  INVALID_ARGUMENT, UNSUPPORTED for options that cannot be; ALREADY_EXISTS if it is there
 *          with other options
 */
export function createVolume(stores: VolumeStores, volume: NewVolume): VolumeRecord {
  writeTransaction(stores.database, () => declareVolume(stores, volume))
  ensureVolumeDirectories(stores.dataRoot, volume.name)
  const record = getVolume(stores.database, volume.name)
  if (record === undefined) throw new Error(`bug: volume ${volume.name} is gone`)
  return record
}

/**
 * The row alone, within a caller's transaction; ensureVolumeDirectories makes the rest.
 *
 * @throws  as createVolume
 */
export function declareVolume(
  { database, dataRoot, namespace }: VolumeStores,
  volume: NewVolume,
): void {
  checkVolumeOptions(volume.options)
  if (!insertVolume(database, { ...volume, driver: 'local' })) {
    refuseOtherOptions(database, volume)
    return
  }
  discardRemoved(dataRoot, volume.name)
  const attributes = { driver: 'local' }
  recordEvent(database, {
    namespace,
    type: 'volume',
    action: 'create',
    actorId: volume.name,
    attributes,
  })
}

/** Who asks for none takes it as it is. */
function refuseOtherOptions(database: Database, { name, options }: NewVolume): void {
  if (Object.keys(options).length === 0) return
  if (isDeepStrictEqual(getVolume(database, name)?.options, options)) return
  throw new TsctrError('ALREADY_EXISTS', `volume ${name}: is there with other options`, {
    hint: `tsctr volume inspect ${name}`,
  })
}
