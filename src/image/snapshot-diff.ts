import { packFiles } from '../layer/pack-files.ts'
import { createLease } from '../store/leases.ts'
import { ownership } from './ownership.ts'
import { filesBetween, snapshotLayerFiles } from './snapshot-changes.ts'
import { openSnapshotView, type ViewStores } from './snapshot-view.ts'

/**
 * The layer that makes one snapshot of another, as a plain tar archive: of the key's parent the
 * key's, or of the key the other's.
 *
 * @throws  NOT_FOUND; as layerFiles
 * Source: ctr snapshots diff
 */
export function* snapshotDiff(
  stores: ViewStores,
  key: string,
  other?: string | undefined,
): Generator<Buffer> {
  const lease = createLease(stores.database, `diff ${key}`)
  try {
    lease.hold('snapshot', key, ...(other === undefined ? [] : [other]))
    const files =
      other === undefined
        ? snapshotLayerFiles(stores, key)
        : filesBetween(openSnapshotView(stores, key), openSnapshotView(stores, other))
    yield* packFiles(files, { ownership: ownership() })
  } finally {
    lease.release()
  }
}
