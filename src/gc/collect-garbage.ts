import { existsSync, statSync } from 'node:fs'
import type { ContentStore } from '../content/store.ts'
import type { Ingest } from '../content/unfinished.ts'
import { type Database, writeTransaction } from '../host/database.ts'
import { isAlive } from '../host/owner.ts'
import type { Target } from '../image/read-image.ts'
import type { Digest } from '../oci/digest.ts'
import { unmountInterrupted } from '../snapshot/mounted-views.ts'
import type { SnapshotInfo, Snapshotter } from '../snapshot/snapshotter.ts'
import { measureUsage } from '../snapshot/usage.ts'
import { listContainers } from '../store/containers.ts'
import { deadLeases, dropDeadLeases, type LeaseRecord } from '../store/leases.ts'
import { blobReason, ingestReason, leaseReason, snapshotReason } from './garbage-reasons.ts'
import { findReachable, namedTargets } from './reachable.ts'

export interface GarbageStores {
  readonly database: Database
  readonly content: ContentStore
  readonly snapshots: Snapshotter
}

/** What nothing needs; each `reason` says in words why that is so. */
export interface Garbage {
  readonly blobs: readonly (Sized & { readonly digest: Digest })[]
  readonly snapshots: readonly (Sized & { readonly key: string })[]
  /** Ingests of dead processes; only those that nobody went on with for a while. */
  readonly ingests: readonly (Sized & { readonly key: string; readonly ref: string })[]
  /** Leases that hold nothing any more. */
  readonly leases: readonly { readonly purpose: string; readonly reason: string }[]
  /** Files and directories that the database does not know. */
  readonly orphans: readonly (Sized & { readonly path: string })[]
  readonly reclaimedBytes: number
}

interface Sized {
  readonly sizeBytes: number
  readonly reason: string
}

export interface CollectOptions {
  /** Images without a name that stay all the same: what a filter spares. */
  readonly spared?: readonly Target[] | undefined
  /** Told of what cannot be removed; without it the first such failure is thrown at the end. */
  readonly onFailure?: ((error: unknown) => void) | undefined
}

/** An interrupted pull is likely to be repeated: what it fetched is kept this long. */
const ingestMinAgeMs = 24 * 60 * 60 * 1000

/**
 * Remove what no name, container, mount or live lease leads to.
 *
 * Rows go in the one transaction that decided so, files after it: a pull that takes a lease on
 * something and then finds its row knows that it stays. Killed in between, it leaves files without
 * rows, which the next one removes.
 */
export function collectGarbage(stores: GarbageStores, options: CollectOptions = {}): Garbage {
  unmountInterrupted(stores.snapshots)
  const orphans = findOrphans(stores)
  const measured = measureUnfinished(stores)
  const ingestsBefore = stores.content.ingests()
  const { blobs, snapshots, leases } = writeTransaction(stores.database, () => {
    const found = findUnreachable(stores, dropDeadLeases(stores.database), measured, options)
    for (const { digest } of found.blobs) stores.content.forget(digest)
    for (const { key } of found.snapshots) stores.snapshots.forget(key)
    return found
  })
  const swept = removeFiles(stores, options)
  return withTotal({
    // A file that is still there gave nothing back.
    blobs: blobs.filter(({ digest }) => !existsSync(stores.content.blobPath(digest))),
    snapshots,
    ingests: swept.map((key) => describeIngest(key, ingestsBefore)),
    leases: leases.map(describeLease),
    // Somebody may have wanted one of them meanwhile.
    orphans: orphans.filter(({ path }) => !existsSync(path)),
  })
}

/**
 * Remove what has no row any more. What cannot be removed keeps nothing else.
 *
 * @returns  keys of ingests that were given up
 */
function removeFiles(
  { content, snapshots }: GarbageStores,
  { onFailure }: CollectOptions,
): string[] {
  let swept: string[] = []
  const failures: unknown[] = []
  const steps = [
    () => content.removeOrphans(),
    () => snapshots.cleanup(),
    () => {
      swept = content.sweepDeadIngests({ minAgeMs: ingestMinAgeMs })
    },
  ]
  for (const step of steps) {
    try {
      step()
    } catch (error) {
      failures.push(error)
    }
  }
  for (const failure of failures) {
    if (onFailure === undefined) throw failure
    onFailure(failure)
  }
  return swept
}

/** What collectGarbage would remove. */
export function findGarbage(stores: GarbageStores, options: CollectOptions = {}): Garbage {
  const dead = deadLeases(stores.database)
  const found = findUnreachable(stores, dead, measureUnfinished(stores), options)
  const ingests = stores.content.ingests()
  const swept = stores.content.sweepDeadIngests({ minAgeMs: ingestMinAgeMs, isDryRun: true })
  return withTotal({
    blobs: found.blobs,
    snapshots: found.snapshots,
    ingests: swept.map((key) => describeIngest(key, ingests)),
    leases: dead.map(describeLease),
    orphans: findOrphans(stores),
  })
}

interface Unreachable extends Pick<Garbage, 'blobs' | 'snapshots'> {
  readonly leases: readonly LeaseRecord[]
}

/** Rows that nothing leads to; snapshots in the order in which they can be deleted. */
function findUnreachable(
  stores: GarbageStores,
  leases: readonly LeaseRecord[],
  measured: ReadonlyMap<string, number>,
  { spared = [] }: CollectOptions,
): Unreachable {
  const reachable = findReachable(stores, [...namedTargets(stores.database), ...spared])
  const blobs = stores.content.list().filter(({ digest }) => !reachable.blobs.has(digest))
  const snapshots = childrenFirst(stores.snapshots.walk()).filter(
    ({ key }) => !reachable.snapshots.has(key),
  )
  return {
    leases,
    blobs: blobs.map(({ digest, sizeBytes }) => {
      return { digest, sizeBytes, reason: blobReason(digest, leases) }
    }),
    snapshots: snapshots.map((snapshot) => {
      const { key, usage } = snapshot
      const sizeBytes = usage?.sizeBytes ?? measured.get(key) ?? 0
      return { key, sizeBytes, reason: snapshotReason(snapshot, leases) }
    }),
  }
}

/**
 * Sizes of snapshots that were never committed and are likely to be garbage. A walk through files
 * takes too long for the transaction that decides.
 */
function measureUnfinished({ database, snapshots }: GarbageStores): Map<string, number> {
  const used = new Set(listContainers(database).map(({ snapshotKey }) => snapshotKey))
  const unfinished = snapshots
    .walk()
    .filter(({ kind, key, owner }) => kind !== 'committed' && !used.has(key) && !isAlive(owner))
  return new Map(unfinished.map(({ key }) => [key, snapshots.usage(key).sizeBytes]))
}

function findOrphans({ content, snapshots }: GarbageStores): Garbage['orphans'] {
  const files = content.orphans().map((digest) => content.blobPath(digest))
  const reason = 'the database does not know it: left by a process that was killed'
  return [
    ...files.map((path) => {
      return { path, sizeBytes: statSync(path, { throwIfNoEntry: false })?.size ?? 0, reason }
    }),
    ...snapshots.orphans().map((path) => {
      return { path, sizeBytes: measureUsage(path).sizeBytes, reason }
    }),
  ]
}

function describeIngest(key: string, known: readonly Ingest[]): Garbage['ingests'][number] {
  const ingest = known.find((each) => each.key === key)
  const sizeBytes = ingest?.offsetBytes ?? 0
  return { key, ref: ingest?.ref ?? key, sizeBytes, reason: ingestReason(ingest) }
}

function describeLease(lease: LeaseRecord): Garbage['leases'][number] {
  return { purpose: lease.purpose, reason: leaseReason(lease) }
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

function withTotal(garbage: Omit<Garbage, 'reclaimedBytes'>): Garbage {
  const { blobs, snapshots, ingests, orphans } = garbage
  const sized = [...blobs, ...snapshots, ...ingests, ...orphans]
  return { ...garbage, reclaimedBytes: sized.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
}
