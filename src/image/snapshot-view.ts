import type { Database } from '../host/database.ts'
import { type LowerEntry, openLowerTree } from '../layer/lower-tree.ts'
import type { RecordedMetadata } from '../layer/recorded-metadata.ts'
import { recordedMetadata } from '../snapshot/recorded-metadata.ts'
import type { Snapshotter } from '../snapshot/snapshotter.ts'
import { upToWhole } from '../snapshot/whole-copy.ts'

export interface ViewStores {
  readonly database: Database
  readonly snapshots: Snapshotter
}

/** A snapshot's own directory and what stands of it in the database. */
export interface SnapshotLayer {
  readonly directory: string
  readonly recorded: readonly RecordedMetadata[]
}

/**
 * The merged view of a snapshot and what lies below it, read from the directories: nothing is
 * mounted.
 *
 * @param key  undefined for a snapshot of nothing
 * @throws     NOT_FOUND
 */
export function openSnapshotView(
  stores: ViewStores,
  key: string | undefined,
): LowerEntry | undefined {
  if (key === undefined) return undefined
  const layers = upToWhole(snapshotLayers(stores, key))
  return openLowerTree(
    layers.map(({ directory }) => directory),
    layers.map(({ recorded }) => recorded),
  )
}

/** A snapshot and its parents. @returns top first @throws NOT_FOUND */
export function snapshotLayers(stores: ViewStores, key: string): SnapshotLayer[] {
  const { snapshots, database } = stores
  const directories = snapshots.directoriesTopFirst(key)
  const numbers: number[] = []
  for (let at: string | undefined = key; at !== undefined; ) {
    const { number, parent } = snapshots.stat(at)
    numbers.push(number)
    at = parent
  }
  return directories.map((directory, index) => ({
    directory,
    recorded: recordedMetadata(database, numbers[index] ?? 0),
  }))
}
