import type { ContentStore } from '../content/store.ts'
import { type Database, writeTransaction } from '../host/database.ts'
import type { Digest } from '../oci/digest.ts'
import type { SnapshotInfo, Snapshotter } from '../snapshot/snapshotter.ts'
import { dropDeadLeases } from '../store/leases.ts'
import { findReachable } from './reachable.ts'

export interface GarbageStores {
  readonly database: Database
  readonly content: ContentStore
  readonly snapshots: Snapshotter
}

export interface Garbage {
  readonly blobs: readonly { readonly digest: Digest; readonly sizeBytes: number }[]
  readonly snapshots: readonly { readonly key: string; readonly sizeBytes: number }[]
  /** Ingests of dead processes, by key; only those that nobody went on with for a while. */
  readonly ingests: readonly string[]
  readonly reclaimedBytes: number
}

/** An interrupted pull is likely to be repeated: what it fetched is kept this long. */
const ingestMinAgeMs = 24 * 60 * 60 * 1000

/**
 * Remove what no name, container or live lease leads to.
 *
 * Rows go in the one transaction that decided so, files after it: a pull that takes a lease on
 * something and then finds its row knows that it stays.
 */
export function collectGarbage(stores: GarbageStores): Garbage {
  const { blobs, snapshots } = writeTransaction(stores.database, () => {
    dropDeadLeases(stores.database)
    const found = findUnreachable(stores)
    for (const { digest } of found.blobs) stores.content.forget(digest)
    for (const { key } of found.snapshots) stores.snapshots.forget(key)
    return found
  })
  stores.content.removeOrphans()
  stores.snapshots.cleanup()
  const ingests = stores.content.sweepDeadIngests({ minAgeMs: ingestMinAgeMs })
  return { blobs, snapshots, ingests, reclaimedBytes: totalBytes(blobs, snapshots) }
}

/** What collectGarbage would remove. */
export function findGarbage(stores: GarbageStores): Garbage {
  const { blobs, snapshots } = findUnreachable(stores)
  const ingests = stores.content.sweepDeadIngests({ minAgeMs: ingestMinAgeMs, isDryRun: true })
  return { blobs, snapshots, ingests, reclaimedBytes: totalBytes(blobs, snapshots) }
}

/** Rows that nothing leads to; snapshots in the order in which they can be deleted. */
function findUnreachable(stores: GarbageStores): Pick<Garbage, 'blobs' | 'snapshots'> {
  const reachable = findReachable(stores)
  const all = stores.snapshots.walk()
  const kept = withParents(all, reachable.snapshots)
  return {
    blobs: stores.content.list().filter(({ digest }) => !reachable.blobs.has(digest)),
    snapshots: childrenFirst(all)
      .filter(({ key }) => !kept.has(key))
      .map(({ key, usage }) => ({ key, sizeBytes: usage?.sizeBytes ?? 0 })),
  }
}

/** Numbers do not say who is whose child: a parent may be set as late as at commit. */
function childrenFirst(all: readonly SnapshotInfo[]): SnapshotInfo[] {
  const parentOf = new Map(all.map((snapshot) => [snapshot.key, snapshot.parent]))
  const depthOf = (key: string): number => {
    const parent = parentOf.get(key)
    return parent === undefined ? 0 : depthOf(parent) + 1
  }
  const depths = new Map(all.map(({ key }) => [key, depthOf(key)]))
  return all.toReversed().sort((a, b) => (depths.get(b.key) ?? 0) - (depths.get(a.key) ?? 0))
}

function withParents(all: readonly SnapshotInfo[], keys: ReadonlySet<string>): Set<string> {
  const parentOf = new Map(all.map((snapshot) => [snapshot.key, snapshot.parent]))
  const kept = new Set<string>()
  for (const key of keys) {
    for (
      let next: string | undefined = key;
      next !== undefined && !kept.has(next);
      next = parentOf.get(next)
    ) {
      kept.add(next)
    }
  }
  return kept
}

function totalBytes(...lists: readonly (readonly { readonly sizeBytes: number }[])[]): number {
  return lists.flat().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
