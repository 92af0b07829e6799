import { closeSync, constants, linkSync, lstatSync, openSync, symlinkSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { mknod } from '../host/libc.ts'
import {
  type ByteString,
  cleanComponents,
  joinPath,
  splitPath,
  toBuffer,
  toOwnBytes,
} from './byte-string.ts'
import { copyUp } from './copy-up.ts'
import { type BodySource, BodyWriter } from './file-body.ts'
import {
  finishFile,
  modeOnDisk,
  type Ownership,
  readUmask,
  setMetadata,
  setModified,
} from './file-metadata.ts'
import { type LayerDirectory, setListed } from './layer-directory.ts'
import { escapeName, layerError } from './layer-error.ts'
import type { LayerTree } from './layer-tree.ts'
import { deviceNumber } from './recorded-metadata.ts'
import { type EntryKind, rootOwned, type TarEntry, type Xattr } from './tar-reader.ts'
import { addFile } from './usage.ts'
import { makePlaceholder, makeWhiteout, parseWhiteout } from './whiteout.ts'

const newFile = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY
const maxMajor = 0xfff
const maxMinor = 0xfffff
/** Source: linux/limits.h PATH_MAX */
const maxPathBytes = 4096
/** Marks in eStargz layers for those who mount them without unpacking. Source: stargz-snapshotter docs/estargz.md */
const landmarks = new Set(['.prefetch.landmark', '.no.prefetch.landmark', 'stargz.index.json'])

const fileTypes: Record<EntryKind, number> = {
  file: constants.S_IFREG,
  hardlink: constants.S_IFREG,
  directory: constants.S_IFDIR,
  symlink: constants.S_IFLNK,
  character: constants.S_IFCHR,
  block: constants.S_IFBLK,
  fifo: constants.S_IFIFO,
}

/** Writes entries into a snapshot's directory in the form that overlay mounts. */
export class LayerWriter {
  readonly #tree: LayerTree
  readonly #ownership: Ownership
  readonly #umask = readUmask()
  readonly #bodies: BodyWriter
  /** Entries come directory by directory; one only ever removes what is below its parent. */
  #lastParent: { readonly name: ByteString; readonly directory: LayerDirectory } | undefined

  constructor(tree: LayerTree, rootPath: string, ownership: Ownership) {
    this.#tree = tree
    this.#ownership = ownership
    this.#bodies = new BodyWriter(rootPath)
  }

  /**
   * Write one entry in the place of whatever has its name; two directories become one.
   *
   * @param body  called for a file only
   * @throws      INVALID_ARGUMENT for an entry that cannot be what it says
   */
  write(entry: TarEntry, body: BodySource): void {
    const { directoryName, base } = splitEntryName(entry.name)
    if (base === '') {
      this.#writeRoot(entry)
      return
    }
    if (directoryName === '' && entry.kind === 'file' && landmarks.has(base)) return
    const whiteout = parseWhiteout(entry.name, base)
    if (whiteout?.kind === 'ignored') return
    const parent = this.#parent(entry.name, directoryName)
    if (whiteout?.kind === 'opaque') this.#tree.makeOpaque(parent)
    else if (whiteout !== undefined) this.#whiteOut(parent, whiteout.name)
    else this.#writeNamed(parent, base, entry, body)
  }

  #parent(entryName: ByteString, directoryName: ByteString): LayerDirectory {
    const last = this.#lastParent
    if (last?.name === directoryName) return last.directory
    const found = this.#tree.locate(entryName, splitPath(directoryName))
    // Before thousands of directories are made to find out.
    if (found.path.length >= maxPathBytes) throw layerError(entryName, 'name is too long')
    const directory = this.#tree.materialize(found)
    this.#lastParent = { name: directoryName, directory }
    return directory
  }

  #writeRoot(entry: TarEntry): void {
    // A name of nothing, or one that `..` took away, is the root by accident.
    const isPlain = entry.name !== '' && !splitPath(entry.name).includes('..' as ByteString)
    if (!isPlain) return
    if (entry.kind !== 'directory') throw layerError(entry.name, 'root is not a directory')
    setListed(this.#tree.root, entry)
  }

  #writeNamed(parent: LayerDirectory, name: ByteString, entry: TarEntry, body: BodySource): void {
    switch (entry.kind) {
      case 'directory':
        // Mode, owner and times come last: until then the directory has to be written to.
        setListed(this.#tree.makeDirectory(parent, name), entry)
        break
      case 'file':
        this.#writeFile(parent, name, entry, body)
        break
      case 'hardlink':
        this.#writeHardLink(parent, name, entry)
        break
      case 'symlink':
        this.#writeSymlink(parent, name, entry)
        break
      default:
        this.#writeNode(parent, name, entry)
    }
  }

  #writeFile(parent: LayerDirectory, name: ByteString, entry: TarEntry, body: BodySource): void {
    const mode = modeOnDisk(this.#ownership, constants.S_IFREG, entry.mode) & 0o777
    const path = joinPath(parent.path, name)
    const { made: fd } = this.#tree.create(parent, name, (onDisk) =>
      openSync(onDisk, newFile, mode),
    )
    try {
      const writtenBytes = this.#bodies.write(fd, entry, body)
      addFile(this.#tree.usage, writtenBytes)
      const onDisk = this.#tree.onDisk(path)
      const unset = finishFile(fd, onDisk, entry, this.#ownership, this.#umask)
      this.#record(path, entry, 0, unset)
    } finally {
      closeSync(fd)
    }
  }

  #writeSymlink(parent: LayerDirectory, name: ByteString, entry: TarEntry): void {
    if (entry.linkName === '') throw layerError(entry.name, 'symlink without a target')
    const target = toBuffer(entry.linkName)
    this.#tree.create(parent, name, (onDisk) => symlinkSync(target, onDisk))
    addFile(this.#tree.usage, 0)
    this.#finishByPath(joinPath(parent.path, name), entry, 0)
  }

  #writeNode(parent: LayerDirectory, name: ByteString, entry: TarEntry): void {
    const { devMajor, devMinor } = entry
    const isDevice = entry.kind !== 'fifo'
    if (isDevice && (devMajor < 0 || devMajor > maxMajor || devMinor < 0 || devMinor > maxMinor)) {
      throw layerError(entry.name, `device number ${devMajor}:${devMinor} is out of range`)
    }
    // To overlay this would be a whiteout; layers spell those by name.
    if (entry.kind === 'character' && devMajor === 0 && devMinor === 0) return
    const type = fileTypes[entry.kind]
    this.#tree.create(parent, name, (onDisk) => {
      if (isDevice && this.#ownership === 'record') makePlaceholder(onDisk)
      else mknod(onDisk, type | 0o600, isDevice ? devMajor : 0, isDevice ? devMinor : 0)
    })
    addFile(this.#tree.usage, 0)
    const rdev = isDevice ? deviceNumber(devMajor, devMinor) : 0
    this.#finishByPath(joinPath(parent.path, name), entry, rdev)
  }

  /** Owner, mode and times of a hard link are its target's: the header may not even have them. */
  #writeHardLink(parent: LayerDirectory, name: ByteString, entry: TarEntry): void {
    const target = this.#linkTarget(entry)
    if (target === undefined) return
    const path = joinPath(parent.path, name)
    if (target === path) throw layerError(entry.name, 'hard link to itself')
    const targetOnDisk = this.#tree.onDisk(target)
    try {
      this.#tree.create(parent, name, (onDisk) => linkSync(targetOnDisk, onDisk))
    } catch (error) {
      // The target lay in the directory that the link replaced.
      if (isErrno(error, 'ENOENT')) throw missingTarget(entry)
      throw error
    }
    const record = this.#tree.records.get(target)
    if (record !== undefined) {
      this.#tree.records.set(path, { ...record, path: toOwnBytes(path) })
    }
  }

  /** Where a hard link's target is; undefined if that depends on layers that are not known. */
  #linkTarget(entry: TarEntry): ByteString | undefined {
    const components = cleanComponents(entry.linkName)
    const base = components.pop()
    if (base === undefined) throw layerError(entry.name, 'hard link to a directory')
    const parent = this.#tree.locate(entry.name, components)
    if (parent.children.has(base)) throw layerError(entry.name, 'hard link to a directory')
    const target = joinPath(parent.path, base)
    if (parent.exists && !parent.whiteouts.has(base) && existsOnDisk(this.#tree.onDisk(target))) {
      return target
    }
    const lower = this.#tree.lowerEntry(parent, base)
    if (this.#tree.needsLowerLayers) return undefined
    if (lower === undefined) throw missingTarget(entry)
    if (lower.directory !== undefined) throw layerError(entry.name, 'hard link to a directory')
    this.#tree.materialize(parent)
    const record = copyUp(lower, this.#tree.onDisk(target), target, this.#ownership)
    this.#tree.copies.add(target)
    if (record !== undefined) this.#tree.records.set(target, record)
    addFile(this.#tree.usage, lower.stats.isFile() ? lower.stats.size : 0)
    return target
  }

  #whiteOut(parent: LayerDirectory, name: ByteString): void {
    this.#tree.whiteOut(parent, name, (onDisk) => {
      if (makeWhiteout(onDisk)) return
      this.#tree.record(joinPath(parent.path, name), constants.S_IFCHR, rootOwned, 0, [])
    })
  }

  #finishByPath(path: ByteString, entry: TarEntry, rdev: number): void {
    const onDisk = this.#tree.onDisk(path)
    const type = fileTypes[entry.kind]
    const unset = setMetadata(onDisk, type, entry, this.#ownership)
    setModified(onDisk, entry.modified)
    this.#record(path, entry, rdev, unset)
  }

  #record(path: ByteString, entry: TarEntry, rdev: number, unset: readonly Xattr[]): void {
    if (this.#ownership === 'apply') return
    this.#tree.record(path, fileTypes[entry.kind], entry, rdev, unset)
  }
}

/** Cut off the last component. Both parts are empty for the root. */
function splitEntryName(name: ByteString): { directoryName: ByteString; base: ByteString } {
  const plain = name.replace(/^(?:\.?\/)+/, '')
  const slash = plain.lastIndexOf('/')
  const base = plain.slice(slash + 1) as ByteString
  if (base !== '' && base !== '.' && !plain.includes('..')) {
    return { directoryName: plain.slice(0, Math.max(slash, 0)) as ByteString, base }
  }
  const components = cleanComponents(name)
  const last = components.pop() ?? ('' as ByteString)
  return { directoryName: components.join('/') as ByteString, base: last }
}

function existsOnDisk(path: Buffer): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function missingTarget(entry: TarEntry): Error {
  return layerError(entry.name, `hard link to ${escapeName(entry.linkName)}, which does not exist`)
}
