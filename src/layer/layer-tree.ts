import { lstatSync, mkdirSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { isErrno } from '../errors.ts'
import { type ByteString, byteStringOf, joinPath, splitPath } from './byte-string.ts'
import {
  addChild,
  addWhiteout,
  isHidden,
  type LayerDirectory,
  makeNode,
  markAsNew,
  walkDirectories,
} from './layer-directory.ts'
import { layerError } from './layer-error.ts'
import { isSymlink, type LowerEntry, lowerChild, readLowerLink } from './lower-tree.ts'
import { type RecordedMetadata, recordOf } from './recorded-metadata.ts'
import { removeContents, removeEmptyDirectory, removeFile } from './remove-contents.ts'
import type { Metadata, Xattr } from './tar-reader.ts'
import { addDirectory, addFile, subtract, type Usage } from './usage.ts'

const maxLinks = 255

/**
 * The names of one layer, on disk and in memory. A path is resolved against the directories the
 * layer made, component by component, never by the kernel: no symlink can lead out of the root.
 */
export class LayerTree {
  readonly root: LayerDirectory
  readonly usage: Usage = { sizeBytes: 0, inodes: 0 }
  /** By path: what files should have and do not. */
  readonly records = new Map<ByteString, RecordedMetadata>()
  /** Files of lower layers that are here because a hard link needs them: not the layer's own. */
  readonly copies = new Set<ByteString>()
  /**
   * Set when an entry means different things depending on the layers below, which are not known.
   * What was made is then worth nothing: see settleLayer.
   */
  needsLowerLayers = false
  readonly #prefix: string
  readonly #knowsLowerLayers: boolean

  /**
   * @param rootPath  an existing, empty directory
   * @param lower     root of the layers below, or 'unknown' while they may not be complete
   */
  constructor(rootPath: string, lower: LowerEntry | undefined | 'unknown') {
    this.#knowsLowerLayers = lower !== 'unknown'
    this.root = makeNode(undefined, '' as ByteString, lower === 'unknown' ? undefined : lower)
    this.root.exists = true
    this.#prefix = `${byteStringOf(rootPath)}/`
    addDirectory(this.usage)
  }

  /** For a system call; `path` is relative to the root. */
  onDisk(path: ByteString): Buffer {
    return Buffer.from(this.#prefix + path, 'latin1')
  }

  /**
   * Find a directory, following symlinks inside the root.
   *
   * @returns  a node that does not exist yet where nothing is there
   * @throws   INVALID_ARGUMENT if something on the way is neither directory nor symlink
   * Source: path_resolution(7), with the root as `/`
   */
  locate(entryName: ByteString, components: readonly ByteString[]): LayerDirectory {
    const pending = components.toReversed()
    let current = this.root
    let links = 0
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue
      if (name === '..') {
        // Below an unknown name there may be a symlink, and its parent is elsewhere.
        if (!current.exists && this.#mayHideMore(current)) this.needsLowerLayers = true
        current = current.parent ?? current
        continue
      }
      const next = current.children.get(name) ?? this.#look(entryName, current, name)
      if (typeof next !== 'string') {
        current = next
        continue
      }
      links += 1
      if (links > maxLinks) throw layerError(entryName, 'too many levels of symlinks')
      if (next.startsWith('/')) current = this.root
      for (const component of splitPath(next).reverse()) pending.push(component)
    }
    return current
  }

  /** Make a directory that locate found, and those above it. */
  materialize(directory: LayerDirectory): LayerDirectory {
    const missing: LayerDirectory[] = []
    let at = directory
    while (!at.exists && at.parent !== undefined) {
      missing.push(at)
      at = at.parent
    }
    for (const node of missing.reverse()) this.#make(node)
    return directory
  }

  /** The directory of a name: the one that is there, or a new one in the place of whatever was. */
  makeDirectory(parent: LayerDirectory, name: ByteString): LayerDirectory {
    const existing = parent.children.get(name)
    if (existing !== undefined) return existing
    const lower = parent.lower?.directory && lowerChild(parent.lower.directory, name)
    const node = makeNode(parent, name, isHidden(parent) ? undefined : lower)
    this.#make(node)
    return node
  }

  /**
   * Call `make`; if the name is taken, take away what holds it and call again.
   *
   * @param make  must fail with EEXIST rather than replace or follow anything
   */
  create<Result>(
    parent: LayerDirectory,
    name: ByteString,
    make: (path: Buffer) => Result,
  ): { readonly made: Result; readonly replaced: boolean } {
    const path = joinPath(parent.path, name)
    const onDisk = this.onDisk(path)
    try {
      return { made: make(onDisk), replaced: false }
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
    this.#remove(parent, name, path)
    return { made: make(onDisk), replaced: true }
  }

  /**
   * Hide a name of the layers below. What this layer itself has there stays, whichever came first
   * in the archive.
   *
   * Source: OCI image-spec §layer.md#whiteouts
   */
  whiteOut(parent: LayerDirectory, name: ByteString, make: (path: Buffer) => void): void {
    const path = joinPath(parent.path, name)
    this.#removeCopies((copy) => copy === path || copy.startsWith(`${path}/`))
    const own = parent.children.get(name)
    if (own !== undefined && this.#isOnlyImplied(own)) this.#remove(parent, name, path)
    else if (own !== undefined) markAsNew(own)
    if (parent.children.has(name) || isHidden(parent)) return
    try {
      make(this.onDisk(path))
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return
      throw error
    }
    addWhiteout(parent, name)
    addFile(this.usage, 0)
  }

  /** Hide all that the layers below have in a directory. */
  makeOpaque(directory: LayerDirectory): void {
    const { path } = directory
    this.#removeCopies((copy) => path === '' || copy.startsWith(`${path}/`))
    directory.isOpaque = true
  }

  /** Keep what a file should have and does not. */
  record(
    path: ByteString,
    fileType: number,
    metadata: Metadata,
    rdev: number,
    unset: readonly Xattr[],
  ): void {
    const record = recordOf(path, fileType, metadata, rdev, unset)
    if (record !== undefined) this.records.set(path, record)
  }

  /** What the layers below have under a name that this layer does not have. */
  lowerEntry(parent: LayerDirectory, name: ByteString): LowerEntry | undefined {
    if (isHidden(parent) || parent.whiteouts.has(name)) return undefined
    if (!this.#knowsLowerLayers) this.needsLowerLayers = true
    return parent.lower?.directory && lowerChild(parent.lower.directory, name)
  }

  /** A symlink's target, or the node of a directory that is not there yet. */
  #look(
    entryName: ByteString,
    parent: LayerDirectory,
    name: ByteString,
  ): LayerDirectory | ByteString {
    const path = joinPath(parent.path, name)
    const stats = parent.exists ? this.#stat(path) : undefined
    if (stats?.isSymbolicLink() === true) {
      return byteStringOf(readlinkSync(this.onDisk(path), { encoding: 'buffer' }))
    }
    if (stats !== undefined) {
      if (!parent.whiteouts.has(name)) throw layerError(entryName, 'its parent is not a directory')
      const successor = makeNode(parent, name, undefined)
      markAsNew(successor)
      return successor
    }
    const hasLower = parent.lower?.directory !== undefined && !isHidden(parent)
    const lower = hasLower ? this.lowerEntry(parent, name) : undefined
    if (lower === undefined || lower.directory !== undefined) return makeNode(parent, name, lower)
    if (isSymlink(lower)) return readLowerLink(lower)
    throw layerError(entryName, 'its parent is not a directory in a lower layer')
  }

  #stat(path: ByteString): Stats | undefined {
    return lstatSync(this.onDisk(path), { throwIfNoEntry: false })
  }

  #mayHideMore(directory: LayerDirectory): boolean {
    return !this.#knowsLowerLayers && !isHidden(directory)
  }

  #make(node: LayerDirectory): void {
    const { parent } = node
    if (parent === undefined) return
    const { replaced } = this.create(parent, node.name, (path) => mkdirSync(path, 0o755))
    // What was there, a file or a whiteout, hid what lies below it; the directory must go on so.
    if (replaced) markAsNew(node)
    node.exists = true
    addChild(parent, node)
    addDirectory(this.usage)
  }

  #remove(parent: LayerDirectory, name: ByteString, path: ByteString): void {
    const onDisk = this.onDisk(path)
    const count = subtract.bind(undefined, this.usage)
    if (parent.children.delete(name)) {
      removeContents(onDisk, count)
      removeEmptyDirectory(onDisk, count)
    } else {
      removeFile(onDisk, count)
    }
    parent.whiteouts.delete(name)
    this.#forget(path)
  }

  #removeCopies(isMeant: (path: ByteString) => boolean): void {
    for (const path of [...this.copies].filter(isMeant)) {
      removeFile(this.onDisk(path), subtract.bind(undefined, this.usage))
      this.#forget(path)
    }
  }

  /** Whether a directory is here only because of whiteouts and copies in it. */
  #isOnlyImplied(directory: LayerDirectory): boolean {
    return walkDirectories(directory).every(
      ({ listed, path, children, whiteouts }) =>
        listed === undefined &&
        readdirSync(this.onDisk(path)).length === children.size + whiteouts.size,
    )
  }

  #forget(path: ByteString): void {
    const isGone = (known: ByteString): boolean => known === path || known.startsWith(`${path}/`)
    for (const known of this.records.keys()) if (isGone(known)) this.records.delete(known)
    for (const known of this.copies) if (isGone(known)) this.copies.delete(known)
  }
}
