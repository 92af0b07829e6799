import { type ByteString, joinPath } from './byte-string.ts'
import type { LowerEntry } from './lower-tree.ts'
import type { Metadata } from './tar-reader.ts'

/** A directory of the layer being unpacked, as far as the layer itself knows it. */
export interface LayerDirectory {
  /** Undefined for the root. */
  readonly parent: LayerDirectory | undefined
  readonly name: ByteString
  /** Relative to the root, which is empty. */
  readonly path: ByteString
  /** Directories made in it. Whatever else it holds is asked of the file system. */
  children: Map<ByteString, LayerDirectory>
  /** Names in it that hide something of the layers below. */
  whiteouts: Set<ByteString>
  /** False while a path was only looked up. */
  exists: boolean
  /** What the layer says of it; undefined while it is only implied by what lies in it. */
  listed: Metadata | undefined
  /** Nothing of the layers below shows through. */
  isOpaque: boolean
  /** Not even mode and owner of the directory below count: the layer removed it first. */
  isNew: boolean
  /** What the layers below have here, where they are known. */
  readonly lower: LowerEntry | undefined
}

/** Most directories have neither: a layer may bring a million, and then their size counts. */
const noChildren = new Map<ByteString, LayerDirectory>()
const noWhiteouts = new Set<ByteString>()

export function makeNode(
  parent: LayerDirectory | undefined,
  name: ByteString,
  lower: LowerEntry | undefined,
): LayerDirectory {
  return {
    parent,
    name,
    path: parent === undefined ? name : joinPath(parent.path, name),
    children: noChildren,
    whiteouts: noWhiteouts,
    exists: false,
    listed: undefined,
    isOpaque: false,
    isNew: false,
    lower,
  }
}

export function addChild(parent: LayerDirectory, child: LayerDirectory): void {
  if (parent.children === noChildren) parent.children = new Map()
  parent.children.set(child.name, child)
}

export function addWhiteout(parent: LayerDirectory, name: ByteString): void {
  if (parent.whiteouts === noWhiteouts) parent.whiteouts = new Set()
  parent.whiteouts.add(name)
}

/** Note what the layer says of a directory, without the rest of the entry. */
export function setListed(directory: LayerDirectory, entry: Metadata): void {
  const { uid, gid, mode, modified, xattrs } = entry
  directory.listed = { uid, gid, mode, modified, xattrs }
}

/** The layer removes what lies below and makes a directory of its own. */
export function markAsNew(directory: LayerDirectory): void {
  directory.isOpaque = true
  directory.isNew = true
}

/** Whether nothing of the layers below shows through in a directory, by its own mark or one above. */
export function isHidden(directory: LayerDirectory): boolean {
  for (let at: LayerDirectory | undefined = directory; at !== undefined; at = at.parent) {
    if (at.isOpaque) return true
  }
  return false
}

/** All directories, each after the one that holds it. */
export function walkDirectories(root: LayerDirectory): LayerDirectory[] {
  const found = [root]
  // The list grows while it is walked: layers nest deeper than a stack does.
  for (const directory of found) {
    for (const child of directory.children.values()) found.push(child)
  }
  return found
}
