import type { Target } from '../image/read-image.ts'
import type { Digest } from '../oci/digest.ts'
import { type ReachabilityStores, type Reachable, TargetWalk } from './reachable.ts'

/** Blobs and snapshots under one kind of key, so that they can be counted together. */
export type Resources = ReadonlySet<string>

/** What one target leads to. */
export function resourcesOf({ content }: ReachabilityStores, target: Target): Resources {
  const blobs = new Set<Digest>()
  const snapshots = new Set<string>()
  new TargetWalk(content, blobs, snapshots).visit(target)
  return asResources({ blobs, snapshots })
}

export function asResources({ blobs, snapshots }: Reachable): Resources {
  return new Set([...blobs, ...[...snapshots].map((key) => `snapshot ${key}`)])
}

/** Bytes of every blob and of every committed snapshot. */
export function resourceSizes(stores: ReachabilityStores): ReadonlyMap<string, number> {
  const blobs = stores.content.list().map(({ digest, sizeBytes }) => [digest, sizeBytes] as const)
  const snapshots = stores.snapshots
    .walk()
    .filter(({ kind }) => kind === 'committed')
    .map(({ key, usage }) => [`snapshot ${key}`, usage?.sizeBytes ?? 0] as const)
  return new Map<string, number>([...blobs, ...snapshots])
}

export function sizeOf(resources: Iterable<string>, sizes: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const resource of resources) sum += sizes.get(resource) ?? 0
  return sum
}
