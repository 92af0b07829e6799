import { hasCode } from '../errors.ts'
import { hostPlatform } from '../host/platform.ts'
import { findImage } from '../image/find-image.ts'
import { findLocalImage } from '../image/read-image.ts'
import type { ContainerRecord } from '../store/containers.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Which containers are of an image or of one that was built on it.
 *
 * @param text  a name or an id as typed; one that is not here has no containers
 * Source: docker ps "ancestor"
 */
export function isDescendant(
  stores: ContainerStores,
  text: string,
): (container: { readonly record: ContainerRecord }) => boolean {
  const image = lookUp(stores, text)
  const prefix = `sha256:${text.replace(/^sha256:/, '')}`
  const isId = /^sha256:[0-9a-f]{2,64}$/.test(prefix)
  return ({ record }) => {
    const own = [record.imageConfigDigest, record.imageTargetDigest]
    // A container's image may have lost its name.
    if (isId && own.some((digest) => digest?.startsWith(prefix))) return true
    if (image === undefined) return false
    if (own.some((digest) => digest !== undefined && image.digests.includes(digest))) return true
    return image.chainID !== undefined && baseLayers(stores, record).includes(image.chainID)
  }
}

interface Ancestor {
  readonly digests: readonly string[]
  readonly chainID: string | undefined
}

function lookUp(stores: ContainerStores, text: string): Ancestor | undefined {
  try {
    const platform = hostPlatform()
    const { target } = findImage(stores, text, platform)
    const local = findLocalImage(stores, target, platform)
    const config = local?.manifest.config.digest
    return {
      digests: config === undefined ? [target.digest] : [target.digest, config],
      chainID: local?.chainID,
    }
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** Names of the snapshots below the topmost layer of the container's image. */
function baseLayers(stores: ContainerStores, record: ContainerRecord): string[] {
  if (record.snapshotKey === undefined) return []
  const snapshots = stores.snapshotter(record.snapshotter)
  const names: string[] = []
  let { parent } = snapshots.stat(record.snapshotKey)
  while (parent !== undefined) {
    names.push(parent)
    parent = snapshots.stat(parent).parent
  }
  return names.slice(1)
}
