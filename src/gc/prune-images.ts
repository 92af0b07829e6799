import { writeTransaction } from '../host/database.ts'
import { recordImageEvent } from '../image/image-event.ts'
import type { ImageFilter } from '../image/image-filters.ts'
import { type ListedImage, listLocalImages } from '../image/list-images.ts'
import { mountsOfImage } from '../image/mounted-images.ts'
import { untaggedNames } from '../image/remove-image.ts'
import type { ImageStores } from '../image/stores.ts'
import { isImageConfig } from '../oci/media-type.ts'
import { isNameless } from '../oci/nameless.ts'
import type { Platform } from '../oci/platform.ts'
import { deleteImage, type ImageRecord, listImages } from '../store/images.ts'
import { collectGarbage } from './collect-garbage.ts'
import { chooseForBudget, storedBytes } from './image-budget.ts'
import { findSpared } from './unnamed-images.ts'

export interface PruneImagesRequest {
  readonly platform: Platform
  /** Images with a name too; else only those without one. */
  readonly isAll: boolean
  readonly filters: readonly ImageFilter[]
  /** Of the images with a name, only those longest unused, until all take no more than this. */
  readonly keepBytes?: number | undefined
}

export interface PrunedImages {
  /** Names as docker shows them, with the repository's digest after its last. */
  readonly untagged: readonly string[]
  /** Ids of images and chainIDs of layers. */
  readonly deleted: readonly string[]
  readonly reclaimedBytes: number
  /** What all images take now. */
  readonly keptBytes: number
}

/**
 * Remove images that nobody needs, and everything else that is garbage then.
 *
 * An image that a container was made from, whether it runs or not, or that is mounted, stays.
 *
 * Source: docker image prune
 */
export function pruneImages(
  stores: Omit<ImageStores, 'registry'>,
  request: PruneImagesRequest,
): PrunedImages {
  const configs = new Set(
    stores.content
      .list()
      .filter(({ mediaType = '' }) => isImageConfig(mediaType))
      .map(({ digest }) => digest),
  )
  const collect = (): Omit<PrunedImages, 'untagged' | 'keptBytes'> => {
    const spared = findSpared(stores, request.platform, request.filters)
    const { blobs, snapshots, reclaimedBytes } = collectGarbage(stores, { spared })
    const ids = blobs.map(({ digest }) => digest).filter((digest) => configs.has(digest))
    const layers = snapshots.map(({ key }) => key).filter((key) => key.startsWith('sha256:'))
    return { deleted: [...ids, ...layers], reclaimedBytes }
  }
  // What has no name goes first: it may be enough for the budget.
  const unnamed = collect()
  const untagged = forgetNames(stores, request)
  const named = collect()
  return {
    untagged,
    deleted: [...unnamed.deleted, ...named.deleted],
    reclaimedBytes: unnamed.reclaimedBytes + named.reclaimedBytes,
    keptBytes: storedBytes(stores),
  }
}

/** Looking for containers and deleting names are one transaction: none is made in between. */
function forgetNames(
  stores: Omit<ImageStores, 'registry'>,
  { platform, isAll, filters, keepBytes }: PruneImagesRequest,
): string[] {
  return writeTransaction(stores.database, () => {
    const unused = listLocalImages(stores, platform, filters).filter(
      (image) =>
        (isAll || isNameless(image.reference)) &&
        image.containers === 0 &&
        mountsOfImage(stores, image).length === 0,
    )
    const chosen = keepBytes === undefined ? unused : chooseForBudget(stores, unused, keepBytes)
    const left = new Map(
      listImages(stores.database, stores.namespace).map((image) => [image.name, image]),
    )
    return chosen.flatMap(({ name, target }) => {
      recordImageEvent(stores, 'untag', target.digest, name)
      return forget(stores, name, left)
    })
  })
}

function forget(
  { database, namespace }: Pick<ImageStores, 'database' | 'namespace'>,
  name: ListedImage['name'],
  left: Map<string, ImageRecord>,
): string[] {
  const image = left.get(name)
  if (image === undefined) throw new Error(`bug: ${name} is listed and is not there`)
  left.delete(name)
  deleteImage(database, namespace, name)
  return untaggedNames(image, [...left.values()])
}
