import { rmdirSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { unmountIfMounted } from '../host/mount.ts'
import { removeWhileWritten } from '../host/remove-while-written.ts'
import { traced } from '../host/trace.ts'
import { removeNetworkNamespace } from '../network/network-namespace.ts'
import { bundleOf } from '../runtime/bundle.ts'
import { removeLeftoverCgroup } from '../runtime/leftover-cgroup.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { asConfig } from './config.ts'
import { releaseVolumes } from './container-volumes.ts'
import { endHealthHelper } from './health/health-helper.ts'
import { needsNamespace, releaseNetworks } from './networks/release-networks.ts'
import { cgroupsPath } from './spec/cgroups-path.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Give back everything a run took: cgroups, mounts, network, the bundle. What is gone already is
 * no error, so it can be called again after an interruption.
 */
export async function releaseRun(stores: ContainerStores, record: ContainerRecord): Promise<void> {
  const bundle = bundleOf(stores.stateRoot, record.namespace, record.id)
  // First of all: it writes into the bundle.
  endHealthHelper(record)
  await traced('remove cgroups', () =>
    removeLeftoverCgroup(cgroupsPath(asConfig(record.config), record.id)),
  )
  const isReleased = traced('release the networks', () => releaseNetworks(stores, record.id))
  if (needsNamespace(stores, record.id)) await isReleased
  try {
    removeNetworkNamespace(bundle.netns)
    for (const path of [bundle.rootfs, bundle.sharedMemory]) {
      unmountIfMounted(path)
      removeMountPoint(path)
    }
    const { dataRoot, database } = stores
    await releaseVolumes({ dataRoot, database, bundle }, record)
  } finally {
    await isReleased
  }
  removeWhileWritten(bundle.directory)
}

/** rmdir, not rm -r: if the unmount failed, a recursive delete would go through the mount. */
function removeMountPoint(path: string): void {
  try {
    rmdirSync(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}
