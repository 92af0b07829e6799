import { TsctrError } from '../../errors.ts'
import { getVolume } from '../../store/volumes.ts'
import { ensureVolumeDirectories } from '../../volume/volume-directories.ts'
import type { ContainerStores } from '../stores.ts'
import { makeMountPoint } from './mount-point.ts'
import type { TreePlace } from './open-tree.ts'

/**
 * What is in a volume, mounted by itself: nothing in it leads out of it.
 *
 * @throws  NOT_FOUND
 */
export function volumeTree(stores: ContainerStores, name: string): TreePlace {
  if (getVolume(stores.database, name) === undefined) {
    throw new TsctrError('NOT_FOUND', `volume ${name}: no such volume`, {
      hint: `tsctr volume create ${name}`,
    })
  }
  const { data } = ensureVolumeDirectories(stores.dataRoot, name)
  return {
    kind: 'mounts',
    prefix: `volume:${name}`,
    mountPoint: makeMountPoint(stores),
    mounts: [{ type: 'bind', source: data, options: ['bind'] }],
    isReadOnly: false,
    binds: [],
  }
}
