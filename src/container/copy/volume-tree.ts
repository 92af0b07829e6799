import { TsctrError } from '../../errors.ts'
import { getVolume } from '../../store/volumes.ts'
import { unmountedRequest } from '../../volume/mount-volume.ts'
import { ensureVolumeDirectories } from '../../volume/volume-directories.ts'
import type { ContainerStores } from '../stores.ts'
import { makeMountPoint } from './mount-point.ts'
import type { TreePlace } from './open-tree.ts'

/**
 * What is in a volume, mounted by itself: nothing in it leads out of it.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION
 */
export async function volumeTree(stores: ContainerStores, name: string): Promise<TreePlace> {
  const volume = getVolume(stores.database, name)
  if (volume === undefined) {
    throw new TsctrError('NOT_FOUND', `volume ${name}: no such volume`, {
      hint: `tsctr volume create ${name}`,
    })
  }
  const { data } = ensureVolumeDirectories(stores.dataRoot, name)
  const request = await unmountedRequest(stores.dataRoot, volume)
  if (request?.mount.type === 'tmpfs') {
    const message = `volume ${name}: a tmpfs, which holds nothing while no container uses it`
    throw new TsctrError('FAILED_PRECONDITION', message, {
      hint: 'start a container that has it first',
    })
  }
  return {
    kind: 'mounts',
    prefix: `volume:${name}`,
    mountPoint: makeMountPoint(stores),
    volumes: request === undefined ? [] : [request],
    mounts: [{ type: 'bind', source: data, options: ['rbind'] }],
    isReadOnly: false,
    binds: [],
  }
}
