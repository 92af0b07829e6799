import { closeSync, constants, openSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { O_PATH, openat2 } from '../host/libc.ts'
import { fillVolume } from '../volume/fill-volume.ts'
import { ensureVolumeDirectories, volumeDirectories } from '../volume/volume-directories.ts'
import type { ConfiguredMount, ContainerConfig, VolumeMount } from './config.ts'

/** A container's volumes; those of its record have names. */
export function volumesOf(
  mounts: readonly ConfiguredMount[],
): (VolumeMount & { readonly name: string })[] {
  return mounts.filter(
    (mount): mount is VolumeMount & { readonly name: string } =>
      mount.type === 'volume' && mount.name !== undefined,
  )
}

/**
 * Make a container's volumes ready: directories, and in those that are empty what the image has
 * there. Do it before each start.
 *
 * @param rootfsPath  the container's root filesystem, mounted
 */
export async function prepareVolumes(
  dataRoot: string,
  mounts: readonly ConfiguredMount[],
  rootfsPath: string,
): Promise<void> {
  for (const { name, target, isNotFilled } of volumesOf(mounts)) {
    const volume = ensureVolumeDirectories(dataRoot, name)
    if (isNotFilled) continue
    const fd = openInRoot(rootfsPath, target)
    if (fd === undefined) continue
    try {
      // With the dot it is the directory, not the link to it.
      await fillVolume(volume, `/proc/self/fd/${fd}/.`)
    } finally {
      closeSync(fd)
    }
  }
}

/** The config as the runtime needs it: each volume is a directory of the host. */
export function withVolumesBound(dataRoot: string, config: ContainerConfig): ContainerConfig {
  const mounts = config.mounts.map((mount): ConfiguredMount => {
    if (mount.type !== 'volume') return mount
    if (mount.name === undefined) throw new Error(`bug: volume at ${mount.target} has no name`)
    return {
      type: 'bind',
      source: volumeDirectories(dataRoot, mount.name).data,
      target: mount.target,
      isReadOnly: mount.isReadOnly,
      propagation: 'rprivate',
      isRecursive: true,
      readOnlyReach: 'best',
      createsSource: false,
    }
  })
  return { ...config, mounts }
}

/** A directory of the root filesystem; the image's symlinks do not lead out of it. */
function openInRoot(rootfsPath: string, path: string): number | undefined {
  const root = openSync(rootfsPath, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return openat2(root, path, O_PATH | constants.O_DIRECTORY)
  } catch (error) {
    // The runtime makes it, or says that it cannot be mounted on.
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined
    throw error
  } finally {
    closeSync(root)
  }
}
