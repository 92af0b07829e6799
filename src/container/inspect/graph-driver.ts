import { bundleOf } from '../../runtime/bundle.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import type { ContainerStores } from '../stores.ts'

/** Where the root filesystem lies on the host. Source: docker Engine API "DriverData", overlay2 */
export function inspectGraphDriver(
  stores: Pick<ContainerStores, 'snapshotter' | 'stateRoot'>,
  record: ContainerRecord,
): object {
  if (record.snapshotKey === undefined) return { Data: new Map(), Name: '' }
  const snapshots = stores.snapshotter(record.snapshotter)
  const [own = '', ...lower] = snapshots.directoriesTopFirst(record.snapshotKey)
  const mounts = snapshots.mounts(record.snapshotKey)
  const overlay = mounts.find(({ type }) => type === 'overlay')
  const data = new Map([
    ['MergedDir', bundleOf(stores.stateRoot, record.namespace, record.id).rootfs],
    ['UpperDir', own],
  ])
  if (overlay !== undefined) {
    data.set('LowerDir', lower.join(':'))
    data.set('WorkDir', optionValue(overlay.options, 'workdir'))
  }
  return { Data: data, Name: record.snapshotter }
}

function optionValue(options: readonly string[], name: string): string {
  const option = options.find((text) => text.startsWith(`${name}=`))
  // In mount options commas and backslashes are escaped.
  return option?.slice(name.length + 1).replaceAll(/\\(.)/g, '$1') ?? ''
}
