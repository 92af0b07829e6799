import type { Database } from '../host/database.ts'
import { storageError } from '../host/storage-error.ts'
import { bindMount } from './bind-mount.ts'
import { copyMergedTree } from './merged-tree.ts'
import { recordedMarks } from './recorded-marks.ts'
import { SnapshotStore } from './snapshot-store.ts'
import type { Snapshotter } from './snapshotter.ts'
import { markWhole, upToWhole } from './whole-copy.ts'

/**
 * Snapshots as whole copies, where overlay cannot be mounted. Layers lie in overlay form, as for
 * the overlay snapshotter, and both may share them; a child of a layer is the merged tree.
 */
export function nativeSnapshotter(root: string, database: Database): Snapshotter {
  return new SnapshotStore(root, database, {
    name: 'native',
    fill: (target, parentsTopFirst) => {
      if (parentsTopFirst.length === 0) return
      try {
        const layersTopFirst = upToWhole(parentsTopFirst)
        const marks = recordedMarks(database, layersTopFirst)
        copyMergedTree(
          layersTopFirst.map(({ directory }) => directory),
          target,
          marks,
        )
        markWhole(target)
      } catch (error) {
        throw storageError(target, error)
      }
    },
    mounts: (directories, snapshot) => [bindMount(directories.fs(snapshot.number), snapshot)],
  })
}
