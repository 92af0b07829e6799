import type { ContainerRecord } from '../store/containers.ts'
import type { ContainerStores } from './stores.ts'

export interface ContainerSize {
  /** What the container itself has written; all it has, where its root is a copy of the image. */
  readonly ownBytes: number
  /** With its image. */
  readonly totalBytes: number
}

/** Space on disk; walks through the container's writable layer. Nothing for a bare rootfs. */
export function containerSize(
  stores: Pick<ContainerStores, 'snapshotter'>,
  record: ContainerRecord,
): ContainerSize {
  if (record.snapshotKey === undefined) return { ownBytes: 0, totalBytes: 0 }
  const snapshots = stores.snapshotter(record.snapshotter)
  const ownBytes = snapshots.usage(record.snapshotKey).sizeBytes
  const isOnLayers = snapshots.mounts(record.snapshotKey).some(({ type }) => type === 'overlay')
  if (!isOnLayers) return { ownBytes, totalBytes: ownBytes }
  let totalBytes = ownBytes
  let { parent } = snapshots.stat(record.snapshotKey)
  while (parent !== undefined) {
    totalBytes += snapshots.usage(parent).sizeBytes
    parent = snapshots.stat(parent).parent
  }
  return { ownBytes, totalBytes }
}
