import type { ListedImage } from '../image/list-images.ts'
import type { ImageStores } from '../image/stores.ts'
import { listImages } from '../store/images.ts'
import { asResources, resourceSizes, resourcesOf, sizeOf } from './image-resources.ts'
import { findReachable } from './reachable.ts'

type Stores = Omit<ImageStores, 'registry'>

/** Bytes that all images take: their blobs, and their layers unpacked. */
export function storedBytes(stores: Stores): number {
  const sizes = resourceSizes(stores)
  return sizeOf(sizes.keys(), sizes)
}

/**
 * Which images to remove so that the rest takes no more than so many bytes: those longest unused
 * first; all names of an image go together.
 *
 * @param unused  candidates
 * @returns       all of them if even that is not enough
 */
export function chooseForBudget(
  stores: Stores,
  unused: readonly ListedImage[],
  keepBytes: number,
): ListedImage[] {
  const sizes = resourceSizes(stores)
  const candidates = new Set(unused.map(({ name }) => name))
  const staying = listImages(stores.database).filter(
    ({ name, namespace }) => namespace !== stores.namespace || !candidates.has(name),
  )
  const pinned = asResources(
    findReachable(
      stores,
      staying.map(({ target }) => target),
    ),
  )
  const groups = [...Map.groupBy(unused, ({ target }) => target.digest).values()]
    .map((images) => ({
      images,
      lastUsedMs: Math.max(...images.map(({ lastUsedAt }) => lastUsedAt.getTime())),
      resources: resourcesOf(stores, (images[0] as ListedImage).target),
    }))
    .toSorted((a, b) => a.lastUsedMs - b.lastUsedMs)
  const users = new Map<string, number>()
  for (const resource of groups.flatMap(({ resources }) => [...resources])) {
    users.set(resource, (users.get(resource) ?? 0) + 1)
  }
  let bytes = sizeOf(sizes.keys(), sizes)
  const chosen: ListedImage[] = []
  for (const { images, resources } of groups) {
    if (bytes <= keepBytes) break
    // Something else needs all that it has: taking its names would give nothing back.
    if ([...resources].every((each) => pinned.has(each))) continue
    for (const resource of resources) users.set(resource, (users.get(resource) ?? 0) - 1)
    const freed = [...resources].filter((each) => users.get(each) === 0 && !pinned.has(each))
    bytes -= sizeOf(freed, sizes)
    chosen.push(...images)
  }
  return chosen
}
