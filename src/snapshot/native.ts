import { closeSync, existsSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Database } from '../host/database.ts'
import { storageError } from '../host/storage-error.ts'
import { bindMount } from './bind-mount.ts'
import { copyMergedTree } from './merged-tree.ts'
import { recordedMarks } from './recorded-marks.ts'
import { type ParentLayer, SnapshotStore } from './snapshot-store.ts'
import type { Snapshotter } from './snapshotter.ts'

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
        closeSync(openSync(wholeMark(target), 'wx', 0o600))
      } catch (error) {
        throw storageError(target, error)
      }
    },
    mounts: (directories, snapshot) => [bindMount(directories.fs(snapshot.number), snapshot)],
  })
}

/**
 * What was deleted in a copy is just not there: no whiteout hides it in the layers that were
 * copied, so they must not be looked at again when the copy is itself a parent.
 */
function upToWhole(parentsTopFirst: readonly ParentLayer[]): readonly ParentLayer[] {
  const whole = parentsTopFirst.findIndex(({ directory }) => existsSync(wholeMark(directory)))
  return whole === -1 ? parentsTopFirst : parentsTopFirst.slice(0, whole + 1)
}

/** Beside `fs`, out of reach for what runs in it. */
function wholeMark(fs: string): string {
  return join(dirname(fs), 'whole')
}
