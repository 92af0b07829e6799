import { chmodSync, chownSync, statSync } from 'node:fs'
import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import { bindMount } from './bind-mount.ts'
import { overlayOptions } from './overlay-options.ts'
import { recordedMarks } from './recorded-marks.ts'
import { parentNumbersTopFirst } from './records.ts'
import { type ParentLayer, SnapshotStore } from './snapshot-store.ts'
import type { Snapshotter } from './snapshotter.ts'

/** Snapshots as overlayfs layers: a child holds only what differs from its parents. */
export function overlaySnapshotter(root: string, database: Database): Snapshotter {
  return new SnapshotStore(root, database, {
    name: 'overlayfs',
    fill: (target, parentsTopFirst) => {
      const [parent] = parentsTopFirst
      if (parent === undefined) return
      refuseRecordedMarks(database, parentsTopFirst)
      copyRootMetadata(parent.directory, target)
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

/** A stand-in for a whiteout would be shown as the empty file it is. */
function refuseRecordedMarks(database: Database, layers: readonly ParentLayer[]): void {
  const { whiteouts, opaque } = recordedMarks(database, layers)
  if (whiteouts.size + opaque.size === 0) return
  throw new TsctrError(
    'FAILED_PRECONDITION',
    'image: unpacked where whiteouts could not be made, so overlay does not show it right',
    { hint: 'remove the image and pull it again' },
  )
}

/** The merged root shows the upperdir's own mode and owner, so they must be the image's. */
function copyRootMetadata(from: string, to: string): void {
  const { mode, uid, gid } = statSync(from)
  const made = statSync(to)
  if (made.uid !== uid || made.gid !== gid) chownSync(to, uid, gid)
  if (made.mode !== mode) chmodSync(to, mode & 0o7777)
}
