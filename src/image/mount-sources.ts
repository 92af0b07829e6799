import { hostPlatform } from '../host/platform.ts'
import type { Digest } from '../oci/digest.ts'
import { parseReference, type Reference } from '../oci/reference.ts'
import { listImages } from '../store/images.ts'
import { localImages } from './local-images.ts'
import type { ImageStores } from './stores.ts'

/**
 * Repositories of the same registry that images here were pulled from or are named after: those
 * may hold a blob already.
 *
 * @returns  by blob, the repository with the most of its path in common first
 */
export function mountSources(
  stores: Pick<ImageStores, 'namespace' | 'database' | 'content'>,
  { registry, repository }: Reference,
): ReadonlyMap<Digest, readonly string[]> {
  const holders = new Map<Digest, Set<string>>()
  const platform = hostPlatform()
  for (const { name, target } of listImages(stores.database, stores.namespace)) {
    const other = parseReference(name)
    if (other.registry !== registry || other.repository === repository) continue
    for (const { manifest } of localImages(stores, target, platform)) {
      for (const { digest } of [manifest.config, ...manifest.layersBaseFirst]) {
        const repositories = holders.get(digest) ?? new Set()
        holders.set(digest, repositories.add(other.repository))
      }
    }
  }
  const nearness = (other: string): number => sharedParts(other, repository)
  return new Map(
    [...holders].map(([digest, repositories]) => [
      digest,
      [...repositories].sort((a, b) => nearness(b) - nearness(a) || (a < b ? -1 : 1)),
    ]),
  )
}

function sharedParts(a: string, b: string): number {
  const parts = b.split('/')
  const first = a.split('/').findIndex((part, index) => part !== parts[index])
  return first === -1 ? parts.length : first
}
