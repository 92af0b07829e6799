import { TsctrError } from '../errors.ts'
import { type Database, writeTransaction } from '../host/database.ts'
import { unmountTree } from '../host/mount.ts'
import { recordEvent } from '../store/events.ts'
import { deleteVolume, getVolume, volumeUsers } from '../store/volumes.ts'
import { deleteRemoved, putAside } from './removed-volumes.ts'
import { volumeDirectories } from './volume-directories.ts'

export interface VolumeStores {
  readonly database: Database
  readonly dataRoot: string
  readonly namespace: string
}

/**
 * Remove a volume and what is in it.
 *
 * @throws  NOT_FOUND; FAILED_PRECONDITION while a container has it, naming the containers
 */
export function removeVolume(stores: VolumeStores, name: string): void {
  const { directory } = volumeDirectories(stores.dataRoot, name)
  writeTransaction(stores.database, () => {
    const volume = getVolume(stores.database, name)
    if (volume === undefined) {
      throw new TsctrError('NOT_FOUND', `volume ${name}: no such volume`)
    }
    const users = volumeUsers(stores.database, name)
    if (users.length > 0)
      throw inUse(
        name,
        users.map((user) => user.name),
      )
    deleteVolume(stores.database, name)
    // What a killed process left mounted must not be emptied with the directory.
    if (Object.keys(volume.options).length > 0) unmountTree(directory)
    // Aside within the transaction: whoever makes a volume of that name next finds a free place.
    putAside(stores.dataRoot, name)
    const { namespace } = stores
    const attributes = { driver: 'local' }
    recordEvent(stores.database, {
      namespace,
      type: 'volume',
      action: 'destroy',
      actorId: name,
      attributes,
    })
  })
  deleteRemoved(stores)
}

function inUse(name: string, users: readonly string[]): TsctrError {
  const message = `volume ${name}: is used by ${users.length === 1 ? 'container' : 'containers'} ${users.join(', ')}`
  return new TsctrError('FAILED_PRECONDITION', message, { hint: `tsctr rm ${users.join(' ')}` })
}
