import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { isErrno } from '../../errors.ts'
import {
  CLONE_NEWNS,
  MS_BIND,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  mount,
  O_PATH,
  unshare,
} from '../../host/libc.ts'
import { type MountRequest, mountAll } from '../../host/mount.ts'
import { byteStringOf } from '../../layer/byte-string.ts'
import { fillVolumeInThread } from '../../volume/fill-volume.ts'
import { mountRequested, type VolumeRequest } from '../../volume/mount-volume.ts'
import type { VolumeDirectories } from '../../volume/volume-directories.ts'
import { type NamedVolume, openSubpath } from '../container-volumes.ts'
import { inDirectory, openIn, type TreeRoot } from './locate.ts'

/** Where a tree is, in plain data: it goes to the thread that copies. */
export type TreePlace =
  | { readonly kind: 'host' }
  /** `/proc/PID/root` of a running container, opened. */
  | { readonly kind: 'process'; readonly fd: number; readonly prefix: string }
  | ({ readonly kind: 'mounts'; readonly prefix: string } & PrivateMounts)

/** What to mount where nobody else sees it. */
export interface PrivateMounts {
  /** An existing directory. */
  readonly mountPoint: string
  readonly mounts: readonly MountRequest[]
  readonly isReadOnly: boolean
  /** What options of volumes mount on their data, before all else. */
  readonly volumes: readonly VolumeRequest[]
  /** Mounted in the tree, parents first. */
  readonly binds: readonly TreeBind[]
}

export interface TreeBind {
  readonly source: string
  /** Absolute in the tree. */
  readonly target: string
  readonly isReadOnly: boolean
  readonly isRecursive: boolean
  /** The source is a volume's data, of which this mount shows a part. */
  readonly part?: NamedVolume | undefined
  /** A volume that takes what lies below the mount, if it is empty. */
  readonly filled?: VolumeDirectories | undefined
}

/** To be closed with closeTree. */
export function openTree(place: TreePlace): TreeRoot {
  switch (place.kind) {
    case 'host':
      return treeRoot(openDirectory('/'), { isHost: true, prefix: '' })
    case 'process':
      return treeRoot(place.fd, { isHost: false, prefix: place.prefix })
    case 'mounts':
      return openMounted(place, place.prefix)
  }
}

/**
 * The mounts are this thread's own and go with it: nothing is left of them when the process is
 * killed, and no other process can be held up by them.
 */
function openMounted(place: PrivateMounts, prefix: string): TreeRoot {
  unshare(CLONE_NEWNS)
  mount('none', '/', undefined, MS_REC | MS_PRIVATE)
  for (const volume of place.volumes) mountRequested(volume)
  mountAll(place.mounts, place.mountPoint)
  const root = treeRoot(openDirectory(place.mountPoint), { isHost: false, prefix })
  for (const bind of place.binds) mountBind(root, bind)
  if (place.isReadOnly) makeReadOnly(place.mountPoint)
  return root
}

function mountBind(root: TreeRoot, bind: TreeBind): void {
  if (bind.part === undefined) {
    mountFrom(root, bind, bind.source)
    return
  }
  // Opened here: what was opened before this thread had its own mounts cannot be bound in them.
  const part = openSubpath(bind.source, bind.part)
  try {
    mountFrom(root, bind, `/proc/self/fd/${part}`)
  } finally {
    closeSync(part)
  }
}

function mountFrom(root: TreeRoot, bind: TreeBind, source: string): void {
  const { target, isReadOnly, isRecursive, filled } = bind
  const below = openTarget(root, target, statSync(source).isDirectory())
  if (filled !== undefined && fstatSync(below).isDirectory()) {
    // With the dot it is the directory, not the link to it.
    fillVolumeInThread(filled, `/proc/self/fd/${below}/.`)
  }
  mount(source, `/proc/self/fd/${below}`, undefined, MS_BIND | (isRecursive ? MS_REC : 0))
  closeSync(below)
  if (!isReadOnly) return
  // Opened anew: the descriptor was of what lies below the mount.
  const mounted = openIn(root, target, O_PATH)
  makeReadOnly(`/proc/self/fd/${mounted}`)
  closeSync(mounted)
}

function treeRoot(fd: number, about: Pick<TreeRoot, 'isHost' | 'prefix'>): TreeRoot {
  return { fd, ...about, descriptors: [fd] }
}

function makeReadOnly(path: string): void {
  mount('none', path, undefined, MS_REMOUNT | MS_BIND | MS_RDONLY)
}

/** What is missing is made, as a start of the container would. */
function openTarget(root: TreeRoot, target: string, isDirectory: boolean): number {
  try {
    return openIn(root, target, O_PATH)
  } catch (error) {
    if (!isErrno(error, 'ENOENT') || target === '/') throw error
  }
  const parent = openTarget(root, dirname(target), true)
  const onDisk = inDirectory(parent, byteStringOf(target.slice(target.lastIndexOf('/') + 1)))
  if (isDirectory) mkdirSync(onDisk, 0o755)
  else writeFileSync(onDisk, '', { flag: 'wx', mode: 0o755 })
  closeSync(parent)
  return openIn(root, target, O_PATH)
}

function openDirectory(path: string): number {
  return openSync(path, O_PATH | constants.O_DIRECTORY)
}
