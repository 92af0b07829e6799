import { lstatSync } from 'node:fs'
import { type ByteString, joinPath, toBuffer } from '../layer/byte-string.ts'
import {
  compareViews,
  haveSameContent,
  haveSameMetadata,
  type IsSame,
  type ViewChange,
  viewFile,
} from '../layer/compare-views.ts'
import { layerFiles, refuseWhiteoutName } from '../layer/layer-files.ts'
import type { LowerEntry } from '../layer/lower-tree.ts'
import type { FileToPack, WhiteoutToPack } from '../layer/pack-files.ts'
import { walkTree } from '../layer/walk-tree.ts'
import { whiteoutPrefix } from '../layer/whiteout.ts'
import { wholeSinceNs } from '../snapshot/whole-copy.ts'
import { ownership } from './ownership.ts'
import { openSnapshotView, snapshotLayers, type ViewStores } from './snapshot-view.ts'

/**
 * What a snapshot changes on its parent, as a layer says it.
 *
 * @throws  NOT_FOUND; as layerFiles
 */
export function* snapshotLayerFiles(
  stores: ViewStores,
  key: string,
): Generator<FileToPack | WhiteoutToPack> {
  const [own] = snapshotLayers(stores, key)
  if (own === undefined) return
  yield* rootIfChanged(stores, key)
  if (wholeSinceNs(own.directory) === undefined) yield* layerFiles(own.directory, own.recorded)
  else yield* changedFiles(own.directory, [...snapshotChanges(stores, key)])
}

/**
 * What a snapshot changes on its parent, name by name.
 *
 * @throws  NOT_FOUND
 */
export function snapshotChanges(stores: ViewStores, key: string): Generator<ViewChange> {
  const [own] = snapshotLayers(stores, key)
  const { parent } = stores.snapshots.stat(key)
  const before = openSnapshotView(stores, parent)
  const sinceNs = own === undefined ? undefined : wholeSinceNs(own.directory)
  const isSame = sinceNs === undefined ? isUntouchedDirectory : isAsCopied(sinceNs)
  return compareViews(before, openSnapshotView(stores, key), isSame)
}

/**
 * What one snapshot has and another has not, as the layer that makes the one of the other.
 *
 * @throws  NOT_FOUND
 */
export function* filesBetween(
  before: LowerEntry | undefined,
  after: LowerEntry | undefined,
): Generator<FileToPack | WhiteoutToPack> {
  for (const { path, after: entry } of changesBetween(before, after)) {
    const file = entry && viewFile(path, entry)
    if (entry === undefined) yield { whiteout: whiteoutOf(path) }
    else if (file !== undefined) {
      refuseWhiteoutName(path, splitName(path).base)
      yield file
    }
  }
}

/** What differs between two views, whichever layers it lies in. */
export function changesBetween(
  before: LowerEntry | undefined,
  after: LowerEntry | undefined,
): Generator<ViewChange> {
  return compareViews(before, after, isEqual)
}

/** The root is listed only where it is not what it was: a layer without it leaves it alone. */
function* rootIfChanged(stores: ViewStores, key: string): Generator<FileToPack> {
  const before = openSnapshotView(stores, stores.snapshots.stat(key).parent)
  const after = openSnapshotView(stores, key)
  if (after === undefined) return
  const options = { ownership: ownership(), ignoresTime: true }
  if (before !== undefined && haveSameMetadata(before, after, options)) return
  const file = viewFile('' as ByteString, after)
  if (file !== undefined) yield file
}

/** Overlay brings a file up only to change it, a directory also to change what is in it. */
const isUntouchedDirectory: IsSame = (before, after) =>
  after.stats.isDirectory() &&
  haveSameMetadata(before, after, { ownership: ownership(), ignoresTime: true })

/** A copy is as it was made unless something was done to it later. */
function isAsCopied(sinceNs: bigint): IsSame {
  return (before, after) => {
    const stats = lstatSync(toBuffer(after.path), { bigint: true, throwIfNoEntry: false })
    // The clock of files ticks slowly: what bears the same time may have been changed right after.
    if (stats !== undefined && stats.ctimeNs < sinceNs) return true
    return isEqual(before, after)
  }
}

const isEqual: IsSame = (before, after) =>
  haveSameMetadata(before, after, {
    ownership: ownership(),
    ignoresTime: after.stats.isDirectory(),
  }) &&
  (!after.stats.isFile() || haveSameContent(before, after))

/** The files of changes in a whole copy; what was taken away comes first. */
function* changedFiles(
  root: string,
  changes: readonly ViewChange[],
): Generator<FileToPack | WhiteoutToPack> {
  const names = new Set<ByteString>()
  const inodes = new Set<string>()
  for (const { path, after } of changes) {
    if (after === undefined) {
      yield { whiteout: whiteoutOf(path) }
      continue
    }
    names.add(path)
    if (!after.stats.isDirectory() && after.stats.nlink > 1) inodes.add(String(after.stats.ino))
  }
  // From the tree itself: a running container may put symlinks in the place of directories. All
  // names of a file come together, or what is one file now would be two.
  for (const file of walkTree(root)) {
    const isLinked = !file.stats.isDirectory() && inodes.has(String(file.stats.ino))
    if (!names.has(file.name) && !isLinked) continue
    refuseWhiteoutName(file.name, splitName(file.name).base)
    yield file
  }
}

function whiteoutOf(path: ByteString): ByteString {
  const { directory, base } = splitName(path)
  return joinPath(directory, `${whiteoutPrefix}${base}` as ByteString)
}

function splitName(name: ByteString): { directory: ByteString; base: ByteString } {
  const slash = name.lastIndexOf('/')
  return {
    directory: name.slice(0, Math.max(slash, 0)) as ByteString,
    base: name.slice(slash + 1) as ByteString,
  }
}
