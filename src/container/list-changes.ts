import { changedPaths, type PathChange } from '../image/changed-paths.ts'
import { snapshotChanges } from '../image/snapshot-changes.ts'
import { withoutPlaceholders } from './placeholders.ts'
import { requireSnapshot } from './require-snapshot.ts'
import { settled } from './settled.ts'
import type { ContainerStores } from './stores.ts'

/**
 * What a container has changed on its image, sorted by path; it may run meanwhile.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION for a container without an image
 * Source: docker diff
 */
export async function listContainerChanges(
  stores: ContainerStores,
  name: string,
): Promise<PathChange[]> {
  const record = await settled(stores, name)
  const key = requireSnapshot(record)
  const view = { database: stores.database, snapshots: stores.snapshotter(record.snapshotter) }
  const changes = withoutPlaceholders(snapshotChanges(view, key), ({ kind, path, after }) => ({
    name: path,
    isNew: kind === 'added',
    isDirectory: after?.stats.isDirectory() === true,
    sizeBytes: after?.stats.size ?? 0,
  }))
  return changedPaths(changes)
}
