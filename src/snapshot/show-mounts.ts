import { overlayOptions } from './overlay-options.ts'
import type { Mount, Snapshotter } from './snapshotter.ts'

/**
 * How to mount any snapshot to look at it: a committed one as it is, read-only; another one as its
 * container has it.
 *
 * @throws  NOT_FOUND
 */
export function showMounts(snapshots: Snapshotter, key: string): Mount[] {
  if (snapshots.stat(key).kind !== 'committed') return snapshots.mounts(key)
  const directories = snapshots.directoriesTopFirst(key)
  const [only, another] = directories
  // A single directory cannot be an overlay without an upper one; a bind shows the same.
  if (only !== undefined && another === undefined) {
    return [{ type: 'bind', source: only, options: ['ro', 'rbind'] }]
  }
  const options = overlayOptions({ lowerdirsTopFirst: directories })
  return [{ type: 'overlay', source: 'overlay', options }]
}
