import type { ChainID, Digest } from '../oci/digest.ts'
import { passesLabelFilter } from '../oci/label-filter.ts'
import { isNameless } from '../oci/nameless.ts'
import type { Platform } from '../oci/platform.ts'
import { parseReference, type Reference } from '../oci/reference.ts'
import { listContainers } from '../store/containers.ts'
import { type ImageRecord, listImages } from '../store/images.ts'
import { findImage } from './find-image.ts'
import { type ImageFacts, readImageFacts } from './image-facts.ts'
import type { ImageFilter } from './image-filters.ts'
import { sumOfSizes } from './image-layers.ts'
import type { ImageStores } from './stores.ts'

/** A name and what stands behind it. Sizes and containers are worked out when they are asked for. */
export interface ListedImage {
  readonly name: string
  readonly reference: Reference
  readonly target: ImageRecord['target']
  /** Digest of the config; of the target where no config is here. */
  readonly id: Digest
  /** undefined where manifest or config are missing. */
  readonly facts: ImageFacts | undefined
  /** When the image was built, as it says itself. */
  readonly createdAt: Date | undefined
  /** When it was pulled or tagged, or a container was made from it, by this name. */
  readonly lastUsedAt: Date
  /** All its layers unpacked; undefined while they are not. */
  readonly sizeBytes: number | undefined
  /** Of those, layers that other images have too. */
  readonly sharedBytes: number | undefined
  /** Config and layers as they are stored in the registry. */
  readonly blobBytes: number | undefined
  /** Containers made from it. */
  readonly containers: number
}

type Stores = Pick<ImageStores, 'namespace' | 'database' | 'content' | 'snapshots'>

/**
 * All names of images, the image that was built last first.
 *
 * @param filters  see ImageFilter
 * @throws         NOT_FOUND for an image that a filter names
 */
export function listLocalImages(
  stores: Stores,
  platform: Platform,
  filters: readonly ImageFilter[] = [],
): ListedImage[] {
  const records = listImages(stores.database, stores.namespace)
  const containersOf = once(() => countContainers(stores))
  const sizes = once(() => stores.snapshots.sizes())
  const reader = readImageFacts(
    stores,
    records.map(({ target }) => target),
    platform,
  )
  const shown = records.map(({ target }) => reader.shown(target))
  const users = once(() => usersOfLayers(shown))
  const images = records.map(({ name, target, lastUsedAt }, index): ListedImage => {
    const facts = shown[index]
    const id = facts?.config ?? target.digest
    return {
      name,
      reference: parseReference(name),
      target,
      id,
      facts,
      createdAt: timeOf(facts?.created),
      lastUsedAt,
      get sizeBytes() {
        return facts && sumOfSizes(facts.layersBaseFirst, sizes())
      },
      get sharedBytes() {
        if (facts === undefined || this.sizeBytes === undefined) return undefined
        const isShared = (chainID: ChainID): boolean => (users().get(chainID)?.size ?? 0) > 1
        return sumOfSizes(facts.layersBaseFirst.filter(isShared), sizes())
      },
      blobBytes: facts?.blobBytes,
      get containers() {
        return containersOf()(id, target.digest)
      },
    }
  })
  const isWanted = imageFilter(stores, platform, filters)
  return images.filter(isWanted).toSorted(newestFirst)
}

/** For each snapshot of a layer the ids of the images that have it. */
function usersOfLayers(
  shown: readonly (ImageFacts | undefined)[],
): ReadonlyMap<string, ReadonlySet<Digest>> {
  const users = new Map<string, Set<Digest>>()
  for (const facts of shown) {
    if (facts === undefined) continue
    for (const chainID of facts.layersBaseFirst) {
      const known = users.get(chainID) ?? new Set()
      users.set(chainID, known.add(facts.config))
    }
  }
  return users
}

/** How many containers were made from an image, by its config or its target. */
function countContainers(
  stores: Pick<ImageStores, 'database' | 'namespace'>,
): (config: Digest, target: Digest) => number {
  const users = new Map<string | undefined, Set<string>>()
  for (const container of listContainers(stores.database, stores.namespace)) {
    for (const digest of [container.imageConfigDigest, container.imageTargetDigest]) {
      users.set(digest, (users.get(digest) ?? new Set()).add(container.id))
    }
  }
  return (config, target) =>
    new Set([...(users.get(config) ?? []), ...(users.get(target) ?? [])]).size
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** What filters look at. */
export type FilteredImage = Pick<ListedImage, 'reference' | 'facts' | 'createdAt' | 'lastUsedAt'>

/** Whether an image passes all filters. @throws NOT_FOUND for an image that a filter names */
export function imageFilter(
  stores: Stores,
  platform: Platform,
  filters: readonly ImageFilter[],
): (image: FilteredImage) => boolean {
  const references = filters.filter((filter) => filter.kind === 'reference')
  const others = filters.map((filter) => predicateOf(stores, platform, filter))
  return (image) =>
    (references.length === 0 || references.some(({ matches }) => matches(image.reference))) &&
    others.every((matches) => matches(image))
}

function predicateOf(
  stores: Stores,
  platform: Platform,
  filter: ImageFilter,
): (image: FilteredImage) => boolean {
  switch (filter.kind) {
    case 'reference':
      return () => true
    case 'dangling':
      return ({ reference }) => isNameless(reference) === filter.isDangling
    case 'label':
    case 'label!':
      return ({ facts }) => passesLabelFilter(filter, facts?.labels.get(filter.key))
    case 'until':
      return ({ createdAt }) => (createdAt?.getTime() ?? 0) < filter.moment.getTime()
    case 'unused-for':
      return ({ lastUsedAt }) => lastUsedAt < filter.since
    case 'before':
    case 'since': {
      const { target } = findImage(stores, filter.image, platform)
      const { shown } = readImageFacts(stores, [target], platform)
      const pivot = timeOf(shown(target)?.created)?.getTime() ?? 0
      return ({ createdAt }) => {
        const time = createdAt?.getTime() ?? 0
        return filter.kind === 'before' ? time < pivot : time > pivot
      }
    }
  }
}

/** A time that an image says of itself; undefined if it says none, or nonsense. */
export function timeOf(text: string | undefined): Date | undefined {
  const time = new Date(text ?? Number.NaN)
  return Number.isNaN(time.getTime()) ? undefined : time
}

function newestFirst(a: ListedImage, b: ListedImage): number {
  const difference = (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0)
  return difference !== 0 ? difference : a.name < b.name ? -1 : 1
}
