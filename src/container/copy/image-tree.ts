import { randomUUID } from 'node:crypto'
import { hasCode, TsctrError } from '../../errors.ts'
import { ensureImage } from '../../image/ensure-image.ts'
import { findImage } from '../../image/find-image.ts'
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
  const { local } = await ensureImage(stores, { reference, platform, policy: 'never' })
  const place = {
    kind: 'mounts',
    prefix: `image:${reference}:`,
    mountPoint: makeMountPoint(stores),
    isReadOnly: true,
    binds: [],
  } as const
  const { chainID } = local
  if (chainID === undefined) {
    return use({ ...place, mounts: [{ type: 'tmpfs', source: 'tmpfs', options: [] }] }, path)
  }
  const key = `cp ${randomUUID()}`
  const snapshots = stores.snapshotter(stores.containerSnapshotter)
  const lease = createLease(stores.database, key)
  try {
    lease.hold('snapshot', key, chainID)
    snapshots.view(key, chainID)
    try {
      return await use({ ...place, mounts: snapshots.mounts(key) }, path)
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
