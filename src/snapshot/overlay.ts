import { chmodSync, chownSync, statSync } from 'node:fs'
import type { Database } from '../host/database.ts'
import { bindMount } from './bind-mount.ts'
import { overlayOptions } from './overlay-options.ts'
import { parentNumbersTopFirst } from './records.ts'
import { SnapshotStore } from './snapshot-store.ts'
import type { Snapshotter } from './snapshotter.ts'

/** Snapshots as overlayfs layers: a child holds only what differs from its parents. */
export function overlaySnapshotter(root: string, database: Database): Snapshotter {
  return new SnapshotStore(root, database, {
    name: 'overlayfs',
    fill: (target, [parent]) => {
      if (parent !== undefined) copyRootMetadata(parent, target)
    },
    mounts: (directories, snapshot) => {
      const lowerdirsTopFirst = parentNumbersTopFirst(database, snapshot.key).map((number) =>
        directories.fs(number),
      )
      const own = directories.fs(snapshot.number)
      const [top] = lowerdirsTopFirst
      if (top === undefined) return [bindMount(own, snapshot)]
      // One lower directory cannot be an overlay without an upper one; a bind shows the same.
      if (snapshot.kind === 'view' && lowerdirsTopFirst.length === 1) {
        return [bindMount(top, snapshot)]
      }
      const writable =
        snapshot.kind === 'view'
          ? {}
          : { upperdir: own, workdir: directories.work(snapshot.number) }
      const options = overlayOptions({ lowerdirsTopFirst, ...writable })
      return [{ type: 'overlay', source: 'overlay', options }]
    },
  })
}

/** The merged root shows the upperdir's own mode and owner, so they must be the image's. */
function copyRootMetadata(from: string, to: string): void {
  const { mode, uid, gid } = statSync(from)
  const made = statSync(to)
  if (made.uid !== uid || made.gid !== gid) chownSync(to, uid, gid)
  if (made.mode !== mode) chmodSync(to, mode & 0o7777)
}
