import type { ViewStores } from '../image/snapshot-view.ts'
import { openSnapshotView } from '../image/snapshot-view.ts'
import { lowerEntryAt } from '../layer/lower-tree.ts'
import type { FileToPack, WhiteoutToPack } from '../layer/pack-files.ts'

/**
 * Where every container has something mounted. What an image lacks of it the runtime makes in the
 * container's own layer, empty, and nobody in the container ever sees it.
 *
 * Source: moby daemon/initlayer/setup_unix.go
 */
const placeholders = new Set(['dev', 'proc', 'sys', 'etc/hostname', 'etc/hosts', 'etc/resolv.conf'])

/** Whether a file that the image does not have is only there to be mounted on. */
export function isPlaceholder(
  name: string,
  file: { isDirectory(): boolean; size: bigint | number },
): boolean {
  return placeholders.has(name) && (file.isDirectory() || Number(file.size) === 0)
}

/** Leave out of a container's layer what is only there to be mounted on. */
export function* withoutPlaceholders(
  stores: ViewStores,
  key: string,
  files: Generator<FileToPack | WhiteoutToPack>,
): Generator<FileToPack | WhiteoutToPack> {
  const below = openSnapshotView(stores, stores.snapshots.stat(key).parent)
  for (const file of files) {
    const isLeftOut =
      'name' in file &&
      isPlaceholder(file.name, file.stats) &&
      (below === undefined || lowerEntryAt(below, file.name) === undefined)
    if (!isLeftOut) yield file
  }
}
