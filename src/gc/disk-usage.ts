import { readImageFacts } from '../image/image-facts.ts'
import { mountsOfImage } from '../image/mounted-images.ts'
import type { ImageStores } from '../image/stores.ts'
import type { Platform } from '../oci/platform.ts'
import { listContainers } from '../store/containers.ts'
import { listImages } from '../store/images.ts'
import { findGarbage } from './collect-garbage.ts'
import { asResources, resourceSizes, resourcesOf, sizeOf } from './image-resources.ts'
import { findReachable } from './reachable.ts'

export interface Usage {
  readonly total: number
  /** Of those, the ones in use. */
  readonly active: number
  readonly sizeBytes: number
  /** What their removal would give back. */
  readonly reclaimableBytes: number
}

/**
 * Space of the namespace's images, blobs and unpacked layers; what several of them share counts
 * once. Reclaimable is what nothing but unused images of the namespace needs.
 */
export function imageUsage(stores: Omit<ImageStores, 'registry'>, platform: Platform): Usage {
  const all = listImages(stores.database)
  const containers = listContainers(stores.database, stores.namespace)
  const targets = all
    .filter(({ namespace }) => namespace === stores.namespace)
    .map(({ target }) => target)
  const reader = readImageFacts(stores, targets, platform)
  const own = targets.map((target) => {
    return { target, id: reader.shown(target)?.config ?? target.digest }
  })
  const active = own.filter(
    ({ id, target }) =>
      mountsOfImage(stores, { id, target }).length > 0 ||
      containers.some(
        ({ imageConfigDigest, imageTargetDigest }) =>
          imageConfigDigest === id || imageTargetDigest === target.digest,
      ),
  )
  const foreign = all.filter(({ namespace }) => namespace !== stores.namespace)
  const staying = [...foreign, ...active].map(({ target }) => target)
  const pinned = asResources(findReachable(stores, staying))
  const resources = new Set(own.flatMap(({ target }) => [...resourcesOf(stores, target)]))
  const sizes = resourceSizes(stores)
  return {
    total: new Set(own.map(({ id }) => id)).size,
    active: new Set(active.map(({ id }) => id)).size,
    sizeBytes: sizeOf(resources, sizes),
    reclaimableBytes: sizeOf(
      [...resources].filter((resource) => !pinned.has(resource)),
      sizes,
    ),
  }
}

/** What `tsctr gc` would remove. */
export function garbageUsage(stores: Omit<ImageStores, 'registry'>): Usage {
  const { blobs, snapshots, ingests, orphans, reclaimedBytes } = findGarbage(stores)
  const total = blobs.length + snapshots.length + ingests.length + orphans.length
  return { total, active: 0, sizeBytes: reclaimedBytes, reclaimableBytes: reclaimedBytes }
}
