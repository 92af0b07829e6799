import type { DiffID } from '../oci/digest.ts'
import { ByteReader } from './byte-reader.ts'
import { toOwnBytes } from './byte-string.ts'
import { openLayerStream } from './decompress.ts'
import type { Ownership } from './file-metadata.ts'
import { finishDirectories } from './finish-directories.ts'
import { describeWriteError } from './layer-error.ts'
import { LayerTree } from './layer-tree.ts'
import { LayerWriter } from './layer-writer.ts'
import type { LowerEntry } from './lower-tree.ts'
import type { RecordedMetadata } from './recorded-metadata.ts'
import { TarReader } from './tar-reader.ts'

export interface ApplyLayerOptions {
  /** A committed blob: tar, plain or compressed with gzip or zstd. */
  readonly blobPath: string
  /** The snapshot's directory: it exists, is empty and nobody else writes to it. */
  readonly root: string
  readonly ownership: Ownership
  readonly onProgress?: (compressedBytesRead: number) => void
}

export interface AppliedLayer {
  /** Of the whole uncompressed stream, with what follows the archive's end marker. */
  readonly diffID: DiffID
  /** What the snapshot takes on disk. */
  readonly sizeBytes: number
  readonly inodes: number
  /** For settleLayer, once the layers below are settled. */
  readonly unsettled: UnsettledEntries
  /** In `apply` only marks that the file system does not take. */
  readonly recorded: readonly RecordedMetadata[]
}

/** What cannot be decided from one layer alone. Plain data: it may be posted between threads. */
export interface UnsettledEntries {
  readonly blobPath: string
  /** An entry's meaning depends on lower layers: unpack again when they are there. */
  readonly needsLowerLayers: boolean
  readonly sizeBytes: number
  readonly inodes: number
  /** Directories that the layer implies and does not list, parents first. */
  readonly implied: readonly Uint8Array[]
  readonly whiteouts: readonly Uint8Array[]
  readonly isRootOpaque: boolean
}

/**
 * Unpack one layer into its own snapshot in the form that overlay mounts, without a look at the
 * layers below: they may be unpacked at the same time. Blocks its thread until done.
 *
 * @throws  INVALID_ARGUMENT for a layer that is damaged or says what cannot be; what was written
 *          until then stays in `root`
 * Source: OCI image-spec §layer.md
 */
export function applyLayer(options: ApplyLayerOptions): AppliedLayer {
  return unpackLayer(options, 'unknown')
}

/** @param lower  root of the layers below, undefined for none, `'unknown'` while they are not complete */
export function unpackLayer(
  { blobPath, root, ownership, onProgress = () => {} }: ApplyLayerOptions,
  lower: LowerEntry | undefined | 'unknown',
): AppliedLayer {
  const stream = openLayerStream(blobPath, onProgress)
  try {
    const reader = new ByteReader(stream)
    const tree = new LayerTree(root, lower)
    writeEntries(new TarReader(reader), tree, new LayerWriter(tree, root, ownership))
    return describe(reader.diffID(), tree, blobPath, ownership)
  } finally {
    stream.close()
  }
}

function writeEntries(archive: TarReader, tree: LayerTree, writer: LayerWriter): void {
  for (let entry = archive.next(); entry !== undefined; entry = archive.next()) {
    // It will all be done again: only the rest of the digest is wanted.
    if (tree.needsLowerLayers) continue
    try {
      writer.write(entry, (length, use) => archive.forEachBodySlice(length, use))
    } catch (error) {
      throw describeWriteError(entry.name, error)
    }
  }
}

function describe(
  diffID: DiffID,
  tree: LayerTree,
  blobPath: string,
  ownership: Ownership,
): AppliedLayer {
  const { needsLowerLayers, usage } = tree
  const ends = finishDirectories(tree, ownership)
  const { sizeBytes, inodes } = usage
  return {
    diffID,
    sizeBytes,
    inodes,
    unsettled: {
      blobPath,
      needsLowerLayers,
      sizeBytes,
      inodes,
      implied: ends.implied.map(toOwnBytes),
      whiteouts: ends.whiteouts.map(toOwnBytes),
      isRootOpaque: ends.isRootOpaque,
    },
    recorded: needsLowerLayers ? [] : [...tree.records.values()],
  }
}
