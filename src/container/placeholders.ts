import { openSnapshotView, type ViewStores } from '../image/snapshot-view.ts'
import type { ByteString } from '../layer/byte-string.ts'
import { lowerEntryAt } from '../layer/lower-tree.ts'
import type { FileToPack, WhiteoutToPack } from '../layer/pack-files.ts'

/**
 * Where every container has something mounted. What an image lacks of it the runtime makes in the
 * container's own layer, empty, and nobody in the container ever sees it.
 *
 * Source: moby daemon/initlayer/setup_unix.go
 */
const placeholders = new Set(['dev', 'proc', 'sys', 'etc/hostname', 'etc/hosts', 'etc/resolv.conf'])

/** The directory that is made for some of them. */
const parent = 'etc' as ByteString

export interface LayerItem {
  readonly name: ByteString
  /** The image has nothing of this name. */
  readonly isNew: boolean
  readonly isDirectory: boolean
  readonly sizeBytes: number
}

/**
 * Leave out what is only there to be mounted on.
 *
 * @param items  each directory before what is in it
 */
export function* withoutPlaceholders<T>(
  items: Iterable<T>,
  describe: (item: T) => LayerItem,
): Generator<T> {
  let held: T | undefined
  for (const item of items) {
    const { name, isNew, isDirectory, sizeBytes } = describe(item)
    const isEmpty = isDirectory || sizeBytes === 0
    if (isNew && isEmpty && placeholders.has(name)) continue
    // A new /etc counts once something else is in it.
    if (held !== undefined && name.startsWith(`${parent}/`)) yield held
    held = undefined
    if (isNew && isDirectory && name === parent) held = item
    else yield item
  }
}

/** The same for what a container's layer is packed of. */
export function filesWithoutPlaceholders(
  stores: ViewStores,
  key: string,
  files: Iterable<FileToPack | WhiteoutToPack>,
): Generator<FileToPack | WhiteoutToPack> {
  const below = openSnapshotView(stores, stores.snapshots.stat(key).parent)
  return withoutPlaceholders(files, (file) => {
    if ('whiteout' in file) {
      return { name: file.whiteout, isNew: false, isDirectory: false, sizeBytes: 0 }
    }
    const { name, stats } = file
    const isCandidate = placeholders.has(name) || name === parent
    const isNew = isCandidate && (below === undefined || lowerEntryAt(below, name) === undefined)
    return { name, isNew, isDirectory: stats.isDirectory(), sizeBytes: Number(stats.size) }
  })
}
