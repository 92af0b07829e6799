import { randomUUID } from 'node:crypto'
import { hasCode, TsctrError } from '../../errors.ts'
import { findImage } from '../../image/find-image.ts'
import { useImage } from '../../image/use-image.ts'
import type { ChainID } from '../../oci/digest.ts'
import type { Platform } from '../../oci/platform.ts'
import { createLease } from '../../store/leases.ts'
import type { ContainerStores } from '../stores.ts'
import { makeMountPoint } from './mount-point.ts'
import type { TreePlace } from './open-tree.ts'
import { imagePathCandidates } from './operand.ts'

/** A view of an image's snapshots, which no container stands on. */
export async function withImageTree<T>(
  stores: ContainerStores,
  text: string,
  platform: Platform,
  use: (place: TreePlace, path: string) => Promise<T>,
): Promise<T> {
  const { reference, path } = findImagePath(stores, text, platform)
  return useImage(stores, { reference, platform, policy: 'never' }, ({ local }) =>
    withView(stores, reference, local.chainID, (place) => use(place, path)),
  )
}

async function withView<T>(
  stores: ContainerStores,
  reference: string,
  chainID: ChainID | undefined,
  use: (place: TreePlace) => Promise<T>,
): Promise<T> {
  const place = {
    kind: 'mounts',
    prefix: `image:${reference}:`,
    mountPoint: makeMountPoint(stores),
    isReadOnly: true,
    volumes: [],
    binds: [],
  } as const
  if (chainID === undefined) {
    return use({ ...place, mounts: [{ type: 'tmpfs', source: 'tmpfs', options: [] }] })
  }
  const key = `cp ${randomUUID()}`
  const snapshots = stores.snapshotter(stores.containerSnapshotter)
  const lease = createLease(stores.database, key)
  try {
    lease.hold('snapshot', key)
    snapshots.view(key, chainID)
    try {
      return await use({ ...place, mounts: snapshots.mounts(key) })
    } finally {
      snapshots.remove(key)
    }
  } finally {
    lease.release()
  }
}

/** @throws  NOT_FOUND if no part of the text names an image that is here */
function findImagePath(
  stores: ContainerStores,
  text: string,
  platform: Platform,
): { reference: string; path: string } {
  for (const candidate of imagePathCandidates(text)) {
    try {
      findImage(stores, candidate.reference, platform)
      return candidate
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error
    }
  }
  throw new TsctrError('NOT_FOUND', `image:${text}: names no image that is here`, {
    hint: 'tsctr cp image:NAME:TAG/PATH DESTINATION; tsctr images lists those that are here',
  })
}
