import { chmodSync, constants, unlinkSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { lsetxattr } from '../host/libc.ts'
import { type ByteString, joinPath } from './byte-string.ts'
import { modeOnDisk, type Ownership, setMetadata, setModified } from './file-metadata.ts'
import { isHidden, type LayerDirectory, walkDirectories } from './layer-directory.ts'
import { describeWriteError } from './layer-error.ts'
import type { LayerTree } from './layer-tree.ts'
import { rootOwned, type Xattr } from './tar-reader.ts'
import { opaqueValue, opaqueXattrs } from './whiteout.ts'

const impliedMode = 0o755

/** Directories that only the layers below can finish; paths are relative to the root. */
export interface OpenEnds {
  /** Not listed by the layer, and lower layers may have them; parents first. */
  readonly implied: readonly ByteString[]
  /** Marks that may hide nothing. */
  readonly whiteouts: readonly ByteString[]
  /** The root is opaque, which overlay does not know: its mark counts below the root only. */
  readonly isRootOpaque: boolean
}

/** Give directories their mode, owner, attributes and times, now that nothing more goes into them. */
export function finishDirectories(tree: LayerTree, ownership: Ownership): OpenEnds {
  const implied: ByteString[] = []
  const whiteouts: ByteString[] = []
  for (const directory of walkDirectories(tree.root)) {
    const isInHidden = directory.parent !== undefined && isHidden(directory.parent)
    if (isHidden(directory) && directory.parent !== undefined) removeWhiteouts(tree, directory)
    for (const name of directory.whiteouts) whiteouts.push(joinPath(directory.path, name))
    try {
      finish(tree, directory, ownership, isInHidden)
    } catch (error) {
      throw describeWriteError(directory.path, error)
    }
    const isFromBelow = directory.listed === undefined && !directory.isNew && !isInHidden
    if (isFromBelow) implied.push(directory.path)
  }
  return { implied, whiteouts, isRootOpaque: tree.root.isOpaque }
}

function finish(
  tree: LayerTree,
  directory: LayerDirectory,
  ownership: Ownership,
  isInHidden: boolean,
): void {
  const { listed, path } = directory
  const onDisk = tree.onDisk(path)
  const metadata = listed ?? { ...rootOwned, mode: impliedMode }
  const unset: Xattr[] = []
  if (listed === undefined) chmodSync(onDisk, modeOnDisk(ownership, constants.S_IFDIR, impliedMode))
  else unset.push(...setMetadata(onDisk, constants.S_IFDIR, listed, ownership))
  const isMarked = directory.isOpaque && !isInHidden && directory.parent !== undefined
  const marks = isMarked ? markOpaque(onDisk, ownership) : []
  if (listed !== undefined) setModified(onDisk, listed.modified)
  if (ownership === 'record') {
    tree.record(path, constants.S_IFDIR, metadata, 0, [...unset, ...marks])
  } else if (marks.length > 0) {
    tree.record(path, constants.S_IFDIR, metadata, 0, marks)
  }
}

/** @returns  the mark, if the file system does not take it: it keeps no such attributes, or is overlay itself */
export function markOpaque(path: Buffer, ownership: Ownership): Xattr[] {
  const name = opaqueXattrs[ownership] as ByteString
  try {
    lsetxattr(path, name, opaqueValue)
    return []
  } catch (error) {
    if (!isErrno(error, 'ENOTSUP', 'EPERM')) throw error
    return [{ name, value: opaqueValue }]
  }
}

/** Where nothing shows through, a whiteout would only be seen as a broken file. */
function removeWhiteouts(tree: LayerTree, directory: LayerDirectory): void {
  for (const name of directory.whiteouts) {
    unlinkSync(tree.onDisk(joinPath(directory.path, name)))
    tree.records.delete(joinPath(directory.path, name))
    tree.usage.inodes -= 1
  }
  directory.whiteouts.clear()
}
