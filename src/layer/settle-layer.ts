import { constants, lstatSync, unlinkSync } from 'node:fs'
import { lutimesNs } from '../host/libc.ts'
import type { UnsettledEntries } from './apply-layer.ts'
import { unpackLayer } from './apply-layer.ts'
import { type ByteString, byteStringOf, joinPath, toBuffer } from './byte-string.ts'
import { copyMetadata } from './copy-up.ts'
import type { Ownership } from './file-metadata.ts'
import { markOpaque } from './finish-directories.ts'
import { type LowerEntry, lowerEntryAt, lowerNames, openLowerTree } from './lower-tree.ts'
import { type RecordedMetadata, recordOf } from './recorded-metadata.ts'
import { removeContents } from './remove-contents.ts'
import { rootOwned, type Xattr } from './tar-reader.ts'
import { addFile, type Usage } from './usage.ts'
import { makeWhiteout } from './whiteout.ts'

export interface SettleLayerOptions {
  /** The snapshot that applyLayer filled. */
  readonly root: string
  /** Directories of the layers below, all settled. */
  readonly lowerdirsTopFirst: readonly string[]
  readonly unsettled: UnsettledEntries
  readonly ownership: Ownership
  /** What was recorded for each of the layers below, in their order. */
  readonly recordedTopFirst?: readonly (readonly RecordedMetadata[])[]
}

export interface SettledLayer {
  /** To add to what applyLayer counted; may be negative. */
  readonly addedSizeBytes: number
  readonly addedInodes: number
  /** Later records of a path replace earlier ones. */
  readonly recorded: readonly RecordedMetadata[]
  /** The layer was unpacked anew: applyLayer's records no longer count. */
  readonly replacesRecorded: boolean
}

/**
 * Do what a layer left open until the layers below are settled, so that the merged view is what
 * unpacking all layers into one directory gives. Call it base layer first; again it blocks.
 *
 * - A directory that the layer implies takes mode, owner, attributes and time of the one below.
 * - Where that is a symlink, the layer's files belong to its target; and a hard link may have its
 *   target in a lower layer. Both can hinge on the order of entries, so the layer is unpacked
 *   again, this time against the layers below.
 * - Whiteouts that hide nothing are removed: overlay would list them in a directory that only this
 *   layer has.
 *
 * @throws  INVALID_ARGUMENT for an entry that makes no sense on these layers
 */
export function settleLayer(options: SettleLayerOptions): SettledLayer {
  const { root, ownership, unsettled } = options
  const lower = openLowerTree(options.lowerdirsTopFirst, options.recordedTopFirst ?? [])
  if (!needsUnpacking(unsettled, lower)) return finishOpenEnds(root, unsettled, lower, ownership)
  removeContents(Buffer.from(root), () => {})
  const again = unpackLayer({ blobPath: unsettled.blobPath, root, ownership }, lower)
  const rest = finishOpenEnds(root, again.unsettled, lower, ownership)
  return {
    addedSizeBytes: again.sizeBytes - unsettled.sizeBytes + rest.addedSizeBytes,
    addedInodes: again.inodes - unsettled.inodes + rest.addedInodes,
    recorded: [...again.recorded, ...rest.recorded],
    replacesRecorded: true,
  }
}

function needsUnpacking(unsettled: UnsettledEntries, lower: LowerEntry | undefined): boolean {
  if (unsettled.needsLowerLayers) return true
  if (lower === undefined) return false
  return unsettled.implied.some((path) => {
    const entry = lowerEntryAt(lower, byteStringOf(path))
    return entry !== undefined && entry.directory === undefined
  })
}

function finishOpenEnds(
  root: string,
  unsettled: UnsettledEntries,
  lower: LowerEntry | undefined,
  ownership: Ownership,
): SettledLayer {
  const usage: Usage = { sizeBytes: 0, inodes: 0 }
  const onDisk = (path: ByteString): Buffer => toBuffer(joinPath(byteStringOf(root), path))
  for (const path of unsettled.whiteouts.map(byteStringOf)) {
    if (lower !== undefined && lowerEntryAt(lower, path) !== undefined) continue
    keepingTime(onDisk(parentOf(path)), () => unlinkSync(onDisk(path)))
    usage.inodes -= 1
  }
  if (lower === undefined) return settled(usage, [])
  const recorded = unsettled.isRootOpaque ? hideRoot(root, lower, ownership, usage) : []
  for (const path of unsettled.implied.map(byteStringOf)) {
    const entry = lowerEntryAt(lower, path)
    if (entry === undefined) continue
    const record = copyMetadata(entry, onDisk(path), path, ownership)
    if (record !== undefined) recorded.push(record)
  }
  return settled(usage, recorded)
}

/**
 * Make an opaque root true: overlay merges the roots of all layers whatever their marks say, so
 * each name below gets its own mark.
 */
function hideRoot(
  root: string,
  lower: LowerEntry,
  ownership: Ownership,
  usage: Usage,
): RecordedMetadata[] {
  const recorded: RecordedMetadata[] = []
  const keep = (name: ByteString, type: number, mode: number, unset: readonly Xattr[]): void => {
    const record = recordOf(name, type, { ...rootOwned, mode }, 0, unset)
    if (record !== undefined) recorded.push(record)
  }
  keepingTime(Buffer.from(root), () => {
    for (const name of lower.directory === undefined ? [] : lowerNames(lower.directory)) {
      const path = toBuffer(joinPath(byteStringOf(root), name))
      const own = lstatSync(path, { throwIfNoEntry: false })
      if (own?.isDirectory() === true) {
        const unset = markOpaque(path, ownership)
        if (unset.length > 0) keep(name, constants.S_IFDIR, own.mode & 0o7777, unset)
      } else if (own === undefined) {
        if (!makeWhiteout(path)) keep(name, constants.S_IFCHR, 0, [])
        addFile(usage, 0)
      }
    }
  })
  return recorded
}

function keepingTime(directory: Buffer, change: () => void): void {
  const { mtimeNs } = lstatSync(directory, { bigint: true })
  change()
  lutimesNs(directory, mtimeNs, mtimeNs)
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0)) as ByteString
}

function settled(usage: Usage, recorded: readonly RecordedMetadata[]): SettledLayer {
  return {
    addedSizeBytes: usage.sizeBytes,
    addedInodes: usage.inodes,
    recorded,
    replacesRecorded: false,
  }
}
