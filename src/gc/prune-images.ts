import { writeTransaction } from '../host/database.ts'
import { recordImageEvent } from '../image/image-event.ts'
import type { ImageFilter } from '../image/image-filters.ts'
import { type ListedImage, listLocalImages } from '../image/list-images.ts'
import { mountsOfImage } from '../image/mounted-images.ts'
import { forgetName, untaggedNames } from '../image/remove-image.ts'
import type { ImageStores } from '../image/stores.ts'
import { isImageConfig } from '../oci/media-type.ts'
import { isNameless } from '../oci/nameless.ts'
import type { Platform } from '../oci/platform.ts'
import { recordPrune } from '../store/events.ts'
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
  /** Told of what could not be removed; without it the first such failure is thrown. */
  readonly onFailure?: ((error: unknown) => void) | undefined
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
    const { blobs, snapshots, reclaimedBytes } = collectGarbage(stores, {
      spared,
      onFailure: request.onFailure,
    })
    const ids = blobs.map(({ digest }) => digest).filter((digest) => configs.has(digest))
    const layers = snapshots.map(({ key }) => key).filter((key) => key.startsWith('sha256:'))
    return { deleted: [...ids, ...layers], reclaimedBytes }
  }
  // What has no name goes first: it may be enough for the budget.
  const unnamed = collect()
  const untagged = forgetNames(stores, request)
  const named = collect()
  const reclaimedBytes = unnamed.reclaimedBytes + named.reclaimedBytes
  recordPrune(stores, 'image', reclaimedBytes)
  return {
    untagged,
    deleted: [...unnamed.deleted, ...named.deleted],
    reclaimedBytes,
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
    const left = new Map(listLocalImages(stores, platform).map((image) => [image.name, image]))
    return chosen.flatMap((image) => forget(stores, image, left))
  })
}

function forget(
  stores: Pick<ImageStores, 'database' | 'namespace'>,
  image: ListedImage,
  left: Map<string, ListedImage>,
): string[] {
  left.delete(image.name)
  forgetName(stores, image)
  const others = [...left.values()]
  if (!others.some(({ id }) => id === image.id)) {
    recordImageEvent(stores, 'delete', image.target.digest, image.name)
  }
  return untaggedNames(image, others)
}
