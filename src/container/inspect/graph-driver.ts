import { nilMap } from '../../oci/nil.ts'
import { bundleOf } from '../../runtime/bundle.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import type { ContainerStores } from '../stores.ts'

/** Where the root filesystem lies on the host. Source: docker Engine API "DriverData", overlay2 */
export function inspectGraphDriver(
  stores: Pick<ContainerStores, 'snapshotter' | 'stateRoot'>,
  record: ContainerRecord,
): object {
  if (record.snapshotKey === undefined) return { Data: nilMap, Name: '' }
  const snapshots = stores.snapshotter(record.snapshotter)
  const [upper = '', ...lower] = snapshots.directoriesTopFirst(record.snapshotKey)
  const [mount] = snapshots.mounts(record.snapshotKey)
  const workdir = mount?.options.find((option) => option.startsWith('workdir='))
  return {
    Data: new Map([
      ['LowerDir', lower.join(':')],
      ['MergedDir', bundleOf(stores.stateRoot, record.namespace, record.id).rootfs],
      ['UpperDir', upper],
      // In mount options commas and backslashes are escaped.
      ['WorkDir', workdir?.slice('workdir='.length).replaceAll(/\\(.)/g, '$1') ?? ''],
    ]),
    Name: record.snapshotter,
  }
}
