import { existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isErrno, TsctrError } from '../errors.ts'
import { mountAll, mountsUnder, unmountIfMounted } from '../host/mount.ts'
import { bootId, isAlive } from '../host/owner.ts'
import type { Labels, SnapshotInfo, Snapshotter } from './snapshotter.ts'

/**
 * A view of a committed snapshot that is mounted for people to look at. Its row is the record of
 * the mount: written before it, marked after it, deleted when it is undone.
 */
export interface MountedView {
  readonly key: string
  /** The snapshot that is shown. */
  readonly parent: string
  readonly target: string
  /** Given by whoever mounted it: which image it is of. */
  readonly labels: Labels
  /**
   * `stale` is what a reboot, or a process killed on the way, left: garbage. `mounting` is being
   * made right now.
   */
  readonly state: 'mounted' | 'mounting' | 'stale'
}

const targetLabel = 'mount.target'
const stateLabel = 'mount.state'
/** The mount point was made for it, and goes with it. */
const madeLabel = 'mount.made-target'

export interface MountRequest {
  /** Key of a committed snapshot. */
  readonly parent: string
  /** An existing directory; undefined for a new one below `home`. */
  readonly target: string | undefined
  /** Where mount points are made: below the state root. */
  readonly home: string
  readonly labels: Labels
}

/**
 * Mount a snapshot read-only.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION; nothing is left then
 */
export function mountView(snapshots: Snapshotter, request: MountRequest): MountedView {
  const given = request.target === undefined ? undefined : checkedTarget(request.target)
  const key = `mount ${crypto.randomUUID()}`
  const target = given ?? join(request.home, key.slice('mount '.length))
  const labels = {
    ...request.labels,
    [targetLabel]: target,
    [stateLabel]: 'mounting',
    [madeLabel]: given === undefined ? 'yes' : 'no',
  }
  snapshots.view(key, request.parent, labels)
  try {
    if (given === undefined) makeTarget(target)
    mountAll(snapshots.mounts(key), target)
    return asView(snapshots.update(key, { ...labels, [stateLabel]: 'mounted' })) as MountedView
  } catch (error) {
    try {
      undo(snapshots, { key, target }, labels)
    } catch {
      // What is left is a view of a dead process soon, which gc takes.
    }
    throw error
  }
}

/** Unmount a view and forget it. */
export function unmountView(snapshots: Snapshotter, view: MountedView): void {
  undo(snapshots, view, view.labels)
}

/** Every view that is or was mounted, in the order of their numbers. */
export function mountedViews(snapshots: Snapshotter): MountedView[] {
  return snapshots.walk().flatMap((snapshot) => asView(snapshot) ?? [])
}

/**
 * Take away mounts that a killed process had just made and not yet recorded as made. Their rows
 * stay: they are stale.
 */
export function unmountInterrupted(snapshots: Snapshotter): void {
  for (const snapshot of snapshots.walk()) {
    const view = asView(snapshot)
    if (view?.state !== 'stale' || snapshot.owner.bootId !== bootId()) continue
    takeAway(view.target, view.labels)
  }
}

function asView({ key, parent, labels, owner, kind }: SnapshotInfo): MountedView | undefined {
  const target = labels[targetLabel]
  if (kind !== 'view' || parent === undefined || target === undefined) return undefined
  // After a reboot nothing is mounted any more, whatever was.
  const isOfThisBoot = owner.bootId === bootId()
  const isMade = labels[stateLabel] === 'mounted'
  const state = isOfThisBoot && isMade ? 'mounted' : isAlive(owner) ? 'mounting' : 'stale'
  return { key, parent, target, labels, state }
}

/** Mounted first, gone from the database last: what is interrupted can be undone again. */
function undo(
  snapshots: Snapshotter,
  { key, target }: Pick<MountedView, 'key' | 'target'>,
  labels: Labels,
): void {
  takeAway(target, labels)
  snapshots.remove(key)
}

function takeAway(target: string, labels: Labels): void {
  // Not where something on the way to it is no directory: nothing can be mounted there.
  if (existsSync(target)) unmountIfMounted(target)
  if (labels[madeLabel] !== 'yes') return
  try {
    // rmdir, not rm -r: if the unmount failed, a recursive delete would go through the mount.
    rmdirSync(target)
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
  }
}

function makeTarget(target: string): void {
  try {
    mkdirSync(target, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new TsctrError('FAILED_PRECONDITION', `${target}: cannot be made`, { cause })
  }
}

/** A mount point of its own: what is unmounted there later must be what was mounted here. */
function checkedTarget(path: string): string {
  const target = resolve(path)
  const stats = statSync(target, { throwIfNoEntry: false })
  if (stats === undefined) throw new TsctrError('NOT_FOUND', `${target}: no such directory`)
  if (!stats.isDirectory()) {
    throw new TsctrError('FAILED_PRECONDITION', `${target}: not a directory`)
  }
  if (mountsUnder(target).includes(target)) {
    throw new TsctrError('FAILED_PRECONDITION', `${target}: something is mounted there already`)
  }
  return target
}
