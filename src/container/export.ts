import { TsctrError } from '../errors.ts'
import { mountsUnder } from '../host/mount.ts'
import { ownership } from '../image/ownership.ts'
import { openSnapshotView } from '../image/snapshot-view.ts'
import { type FileToPack, packFiles } from '../layer/pack-files.ts'
import { walkTree } from '../layer/walk-tree.ts'
import { walkView } from '../layer/walk-view.ts'
import { bundleOf } from '../runtime/bundle.ts'
import { type ContainerRecord, getContainer } from '../store/containers.ts'
import { asConfig } from './config.ts'
import { recordContainerEvent } from './container-event.ts'
import { withContainerLock } from './lock.ts'
import { requireSnapshot } from './require-snapshot.ts'
import { settled } from './settled.ts'
import type { ContainerStores } from './stores.ts'

export interface ExportRequest {
  /** A name, an id or a start of one. */
  readonly name: string
  /** Takes the archive, piece by piece. */
  readonly write: (bytes: Buffer) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

/**
 * Write all files of a container as a tar archive, without what is mounted in it. It may run
 * meanwhile; one that does not is not started before the end.
 *
 * @throws  NOT_FOUND, also if the container is removed meanwhile; what `write` throws
 * Source: docker export
 */
export async function exportContainer(
  stores: ContainerStores,
  request: ExportRequest,
): Promise<void> {
  const record = await settled(stores, request.name)
  recordContainerEvent(stores.database, record, 'export')
  const mounted = mountedRoot(stores, record)
  if (mounted === undefined) {
    await withContainerLock(stores, record.id, async (locked) => {
      const root = mountedRoot(stores, locked)
      await write(root === undefined ? filesAtRest(stores, locked) : walkTree(root), request)
    })
    return
  }
  await write(walkTree(mounted), request)
  // What is removed under a walk looks like a tree without those files.
  if (getContainer(stores.database, record.id) !== undefined) return
  throw new TsctrError('NOT_FOUND', `container ${request.name}: was removed meanwhile`)
}

/** Where the kernel shows the files of a container that runs. */
function mountedRoot(stores: ContainerStores, record: ContainerRecord): string | undefined {
  const { rootfs } = asConfig(record.config)
  if (rootfs !== undefined) return rootfs
  const bundle = bundleOf(stores.stateRoot, record.namespace, record.id)
  return mountsUnder(bundle.rootfs).includes(bundle.rootfs) ? bundle.rootfs : undefined
}

function filesAtRest(stores: ContainerStores, record: ContainerRecord): Iterable<FileToPack> {
  const view = { database: stores.database, snapshots: stores.snapshotter(record.snapshotter) }
  const root = openSnapshotView(view, requireSnapshot(record))
  return root === undefined ? [] : walkView(root)
}

async function write(files: Iterable<FileToPack>, request: ExportRequest): Promise<void> {
  for (const chunk of packFiles(files, { ownership: ownership() })) {
    request.signal?.throwIfAborted()
    await request.write(chunk)
  }
}
