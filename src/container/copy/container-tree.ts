import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import { O_PATH } from '../../host/libc.ts'
import { isAlive } from '../../host/owner.ts'
import { containerFiles } from '../../runtime/container-files.ts'
import { type ContainerRecord, findContainer, getContainer } from '../../store/containers.ts'
import { getVolume } from '../../store/volumes.ts'
import { unmountedRequest, type VolumeRequest } from '../../volume/mount-volume.ts'
import { ensureVolumeDirectories, mountedDirectories } from '../../volume/volume-directories.ts'
import { volumeMount } from '../../volume/volume-options.ts'
import { asConfig, type ConfiguredMount } from '../config.ts'
import { type NamedVolume, volumesOf } from '../container-volumes.ts'
import { withContainerLock } from '../lock.ts'
import { isRunning } from '../observe.ts'
import { settleLocked } from '../settle.ts'
import { prepareBindSources } from '../spec/bind-sources.ts'
import type { ContainerStores } from '../stores.ts'
import { makeMountPoint } from './mount-point.ts'
import type { PrivateMounts, TreeBind, TreePlace } from './open-tree.ts'

export type UseTree<T> = (place: TreePlace) => Promise<T>

/**
 * Do something with the tree of a container. One that is stopped cannot be started meanwhile.
 *
 * @throws  NOT_FOUND
 */
export async function withContainerTree<T>(
  stores: ContainerStores,
  name: string,
  use: UseTree<T>,
): Promise<T> {
  const { id } = findContainer(stores.database, stores.namespace, name)
  const prefix = `${name}:`
  let running: TreePlace | undefined
  const done = await withContainerLock(stores, id, async (found) => {
    await settleLocked(stores, found)
    const record = getContainer(stores.database, id)
    if (record === undefined) throw new TsctrError('NOT_FOUND', `container ${name}: is gone`)
    if (isRunning(record)) {
      running = { kind: 'process', fd: openProcessRoot(record), prefix }
      return undefined
    }
    const mounts = await stoppedMounts(stores, record)
    const place: TreePlace = { kind: 'mounts', prefix, ...mounts }
    return { result: await use(place) }
  })
  if (done !== undefined) return done.result
  // A running container needs no lock: it may be stopped meanwhile, its tree stays open.
  if (running === undefined) throw new Error('bug: neither running nor stopped')
  return use(running)
}

/** What the container's first process sees as its root. */
function openProcessRoot(record: ContainerRecord): number {
  const owner = record.process
  if (owner === undefined) throw new Error(`bug: ${record.id} runs without a process`)
  const fd = openSync(`/proc/${owner.pid}/root`, O_PATH | constants.O_DIRECTORY)
  if (isAlive(owner)) return fd
  // It has ended, and the pid may be another process's by now.
  closeSync(fd)
  const message = `container ${record.name}: has ended just now`
  throw new TsctrError('UNAVAILABLE', message, { hint: 'try again' })
}

async function stoppedMounts(
  stores: ContainerStores,
  record: ContainerRecord,
): Promise<PrivateMounts> {
  const config = asConfig(record.config)
  const { rootfs, readOnly, mounts } = config
  prepareBindSources(mounts)
  const binds: TreeBind[] = [
    ...mounts.filter((mount) => mount.type === 'bind'),
    ...volumesOf(mounts).map((mount) => volumeBind(stores, mount)),
  ]
  return {
    mountPoint: makeMountPoint(stores),
    volumes: await volumeRequests(stores, mounts),
    mounts: rootfs === undefined ? snapshotMounts(stores, record) : [bindOf(rootfs)],
    isReadOnly: readOnly,
    binds: [...etcBinds(stores, record, binds), ...binds]
      .map(({ source, target, isReadOnly, isRecursive, part, filled }) => ({
        source,
        target,
        isReadOnly,
        isRecursive,
        part,
        filled,
      }))
      .sort((a, b) => a.target.split('/').length - b.target.split('/').length),
  }
}

/** The files that the last start wrote; there are none before the first. */
function etcBinds(
  stores: ContainerStores,
  record: ContainerRecord,
  binds: readonly Pick<TreeBind, 'target'>[],
): TreeBind[] {
  const { hosts, hostname, resolvConf } = containerFiles(stores.dataRoot, record.id)
  const files = [
    ['/etc/hosts', hosts],
    ['/etc/hostname', hostname],
    ['/etc/resolv.conf', resolvConf],
  ] as const
  return files
    .filter(([path, file]) => existsSync(file) && !binds.some(({ target }) => target === path))
    .map(([target, source]) => ({ source, target, isReadOnly: false, isRecursive: false }))
}

async function volumeRequests(
  { database, dataRoot }: ContainerStores,
  mounts: readonly ConfiguredMount[],
): Promise<VolumeRequest[]> {
  const requests = new Map<string, VolumeRequest>()
  for (const { name } of volumesOf(mounts)) {
    const volume = getVolume(database, name)
    const request = volume && (await unmountedRequest(dataRoot, volume))
    if (request !== undefined) requests.set(name, request)
  }
  return [...requests.values()]
}

/** A container that was never started has volumes that nothing was copied into yet. */
function volumeBind({ database, dataRoot }: ContainerStores, mount: NamedVolume): TreeBind {
  const { name, target, isReadOnly, isNotFilled, subpath } = mount
  const volume = ensureVolumeDirectories(dataRoot, name)
  const record = getVolume(database, name)
  const isMounted = record !== undefined && volumeMount(record.options) !== undefined
  const isFilled = !isNotFilled && subpath === undefined
  return {
    source: volume.data,
    target,
    isReadOnly,
    isRecursive: true,
    part: subpath === undefined ? undefined : mount,
    filled: isFilled ? (isMounted ? mountedDirectories(volume) : volume) : undefined,
  }
}

function snapshotMounts(stores: ContainerStores, record: ContainerRecord): PrivateMounts['mounts'] {
  if (record.snapshotKey === undefined) throw new Error(`bug: ${record.id} has no snapshot`)
  return stores.snapshotter(record.snapshotter).mounts(record.snapshotKey)
}

function bindOf(source: string): PrivateMounts['mounts'][number] {
  return { type: 'bind', source, options: ['rbind'] }
}
