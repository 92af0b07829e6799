import type { Mount, SnapshotInfo } from './snapshotter.ts'

/** Show a directory as it is; a view read-only. */
export function bindMount(source: string, snapshot: SnapshotInfo): Mount {
  return { type: 'bind', source, options: [snapshot.kind === 'view' ? 'ro' : 'rw', 'rbind'] }
}
