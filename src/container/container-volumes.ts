import { closeSync, constants, fstatSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isErrno, TsctrError } from '../errors.ts'
import { O_PATH, openat2 } from '../host/libc.ts'
import { mountAll, unmountTree } from '../host/mount.ts'
import type { Bundle } from '../runtime/bundle.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { fillVolume } from '../volume/fill-volume.ts'
import { mountVolume, unmountVolume } from '../volume/mount-volume.ts'
import {
  ensureVolumeDirectories,
  mountedDirectories,
  type VolumeDirectories,
  volumeDirectories,
} from '../volume/volume-directories.ts'
import { asConfig, type ConfiguredMount, type ContainerConfig, type VolumeMount } from './config.ts'
import type { ContainerStores } from './stores.ts'

export type NamedVolume = VolumeMount & { readonly name: string }

/** A container's volumes; those of its record have names. */
export function volumesOf(mounts: readonly ConfiguredMount[]): NamedVolume[] {
  return mounts.filter(
    (mount): mount is NamedVolume => mount.type === 'volume' && mount.name !== undefined,
  )
}

/** Where a container's volumes lie and, while it runs, what is made of them. */
export interface VolumePlaces {
  readonly dataRoot: string
  readonly bundle: Pick<Bundle, 'subpaths'>
}

/**
 * Make a container's volumes ready: directories, what their options mount, and in those that are
 * empty what the image has there. Do it before each start, and releaseVolumes after its end.
 *
 * @param rootfsPath  the container's root filesystem, mounted
 * @throws            NOT_FOUND for a subpath; as mountVolume
 */
export async function prepareVolumes(
  places: VolumePlaces & Pick<ContainerStores, 'database'>,
  mounts: readonly ConfiguredMount[],
  rootfsPath: string,
): Promise<void> {
  for (const mount of volumesOf(mounts)) {
    const { name, subpath } = mount
    const volume = ensureVolumeDirectories(places.dataRoot, name)
    const isMounted = await mountVolume(places, name)
    if (subpath === undefined) {
      const directories = isMounted ? mountedDirectories(volume) : volume
      if (!mount.isNotFilled) await fillFromImage(directories, rootfsPath, mount.target)
    } else {
      bindSubpath(volume.data, mount, subpathPlace(places, mounts, mount))
    }
  }
}

async function fillFromImage(
  volume: VolumeDirectories,
  rootfsPath: string,
  target: string,
): Promise<void> {
  const fd = openInRoot(rootfsPath, target)
  if (fd === undefined) return
  try {
    // With the dot it is the directory, not the link to it.
    await fillVolume(volume, `/proc/self/fd/${fd}/.`)
  } finally {
    closeSync(fd)
  }
}

/** Unmount what no container needs any more once this one has ended. */
export async function releaseVolumes(
  places: VolumePlaces & Pick<ContainerStores, 'database'>,
  record: Pick<ContainerRecord, 'id' | 'config'>,
): Promise<void> {
  const volumes = volumesOf(asConfig(record.config).mounts)
  if (volumes.some(({ subpath }) => subpath !== undefined)) unmountTree(places.bundle.subpaths)
  for (const { name } of volumes) await unmountVolume(places, name, record.id)
}

/** The config as the runtime needs it: each volume is a directory of the host. */
export function withVolumesBound(places: VolumePlaces, config: ContainerConfig): ContainerConfig {
  const mounts = config.mounts.map((mount): ConfiguredMount => {
    if (mount.type !== 'volume') return mount
    if (mount.name === undefined) throw new Error(`bug: volume at ${mount.target} has no name`)
    return {
      type: 'bind',
      source:
        mount.subpath === undefined
          ? volumeDirectories(places.dataRoot, mount.name).data
          : subpathPlace(places, config.mounts, mount),
      target: mount.target,
      isReadOnly: mount.isReadOnly,
      propagation: 'rprivate',
      isRecursive: true,
      readOnlyReach: 'best',
      createsSource: false,
      relabel: mount.relabel,
    }
  })
  return { ...config, mounts }
}

function subpathPlace(
  { bundle }: VolumePlaces,
  mounts: readonly ConfiguredMount[],
  mount: ConfiguredMount,
): string {
  return join(bundle.subpaths, String(mounts.indexOf(mount)))
}

/**
 * Mount a part of a volume aside for the runtime, which knows paths alone: another container may
 * put a link in the place of any directory of the volume before the runtime comes there.
 */
function bindSubpath(data: string, mount: NamedVolume, place: string): void {
  const fd = openSubpath(data, mount)
  try {
    const isDirectory = fstatSync(fd).isDirectory()
    mkdirSync(isDirectory ? place : dirname(place), { recursive: true, mode: 0o700 })
    if (!isDirectory) writeFileSync(place, '')
    const source = `/proc/self/fd/${fd}`
    mountAll([{ type: 'bind', source, options: ['rbind'] }], place)
  } finally {
    closeSync(fd)
  }
}

/** Links lead to what has their target's path in the volume, never out of it. @throws NOT_FOUND */
export function openSubpath(data: string, { name, subpath = '' }: NamedVolume): number {
  const root = openSync(data, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return openat2(root, subpath, O_PATH)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error
    const message = `volume ${name}: has no ${subpath}`
    throw new TsctrError('NOT_FOUND', message, { hint: 'volume-subpath must be there already' })
  } finally {
    closeSync(root)
  }
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
