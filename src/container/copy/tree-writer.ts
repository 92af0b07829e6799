import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
} from 'node:fs'
import { isErrno, TsctrError } from '../../errors.ts'
import { O_PATH, openat2, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS } from '../../host/libc.ts'
import { type ByteString, cleanComponents, joinPath, toBuffer } from '../../layer/byte-string.ts'
import type { BodySource } from '../../layer/file-body.ts'
import { escapeName } from '../../layer/layer-error.ts'
import type { Metadata, TarEntry } from '../../layer/tar-reader.ts'
import { describeProblem } from './copy-problem.ts'
import { inDirectory } from './locate.ts'
import { makeFile, setXattrsAndTime } from './make-file.ts'
import { refuseMountPoint } from './mount-check.ts'
import { removeTree } from './remove-tree.ts'

export interface TreeWriterOptions {
  /** Where the copy goes; it exists. */
  readonly directoryFd: number
  /** The one name in it that the copy is written under; undefined to write into it whatever comes. */
  readonly name: ByteString | undefined
  /** What errors put before the path of an entry. */
  readonly shown: string
  /**
   * Opens a directory that an archive names without having an entry for it, symlinks followed
   * inside the container's root; undefined where none may be followed.
   */
  readonly openFollowed?: ((path: ByteString) => number) | undefined
  /** Each directory comes before what is in it and does not come back: nothing is kept of it then. */
  readonly isOrdered: boolean
  /** The directory takes what the archive says of its root; else it stays as it is. */
  readonly takesRoot: boolean
  /** Called often; throws to end the copy. */
  readonly check: () => void
}

interface OpenDirectory {
  /** In the archive, relative; empty for the directory that is written into. */
  readonly path: ByteString
  readonly name: ByteString
  readonly fd: number
  /** Made by this copy: nobody else's names are in it. */
  readonly isNew: boolean
}

const directoryFlags = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW
const impliedMode = 0o755

/**
 * Writes the entries of an archive into a directory that others may change meanwhile, a running
 * container's among them. Each name is made in a directory that is held open and is the only
 * component that the kernel looks up, so no symlink can lead elsewhere.
 *
 * A file replaces another when it is whole. A copy that is to have a name of its own appears under
 * it when all of it is there; `discard` takes away what was written so far.
 */
export class TreeWriter {
  readonly #options: TreeWriterOptions
  readonly #open: OpenDirectory[]
  readonly #listed = new Map<ByteString, Metadata>()
  readonly #temporary = `.tsctr-cp-${randomBytes(6).toString('hex')}` as ByteString
  #root: Metadata | undefined
  /** The copy's own directory has a name that is not seen until the end. */
  #isStaged = false
  /** Holds a file that is being written under the temporary name. */
  #unfinishedIn: number | undefined

  constructor(options: TreeWriterOptions) {
    this.#options = options
    const path = '' as ByteString
    this.#open = [{ path, name: path, fd: options.directoryFd, isNew: false }]
  }

  /** @throws  INVALID_ARGUMENT, FAILED_PRECONDITION and UNAVAILABLE naming the entry */
  write(entry: TarEntry, body: BodySource): void {
    this.#options.check()
    try {
      this.#write(entry, body)
    } catch (error) {
      const name = entry.name.replace(/\/+$/, '') as ByteString
      throw describeProblem(`${this.#options.shown}${escapeName(name)}`, error)
    }
  }

  /** Whether the archive says something of its root. */
  get hasRoot(): boolean {
    return this.#root !== undefined
  }

  /** Everything is there: give directories their times and the copy its name. */
  finish(): void {
    this.#closeDownTo(1)
    // Entries of an archive come in any order: what was put into a directory later changed its time.
    for (const path of this.#listed.keys()) {
      this.#enter(cleanComponents(path))
      this.#closeDownTo(1)
    }
    const { directoryFd, name } = this.#options
    if (this.#root !== undefined) setDirectory(directoryFd, this.#root)
    if (!this.#isStaged || name === undefined) return
    try {
      renameSync(inDirectory(directoryFd, this.#temporary), inDirectory(directoryFd, name))
    } catch (error) {
      throw describeProblem(`${this.#options.shown}${escapeName(name)}`, error)
    }
    this.#isStaged = false
  }

  /** End without a trace where that can be: what was merged into a directory that was there stays. */
  discard(): void {
    for (const { fd } of this.#open.splice(1)) closeSync(fd)
    const { directoryFd } = this.#options
    if (this.#unfinishedIn !== undefined) {
      tryUnlink(inDirectory(this.#unfinishedIn, this.#temporary))
    }
    if (this.#isStaged) removeTree(directoryFd, this.#temporary)
  }

  #write(entry: TarEntry, body: BodySource): void {
    const components = cleanComponents(entry.name)
    const name = components.pop()
    if (name === undefined) {
      this.#noteRoot(entry)
      return
    }
    const parent = this.#enter(components)
    if (entry.kind === 'directory') this.#enterListed(parent, name, entry)
    else if (entry.kind === 'hardlink') this.#link(parent, name, entry)
    else this.#place(parent, name, (path) => makeFile(path, entry, body, this.#options.check))
  }

  /** A name of nothing, or one that `..` took away, is the root by accident. */
  #noteRoot(entry: TarEntry): void {
    const isPlain = entry.name !== '' && !entry.name.includes('..')
    if (this.#options.takesRoot && isPlain && entry.kind === 'directory') this.#root = entry
  }

  /** Open the directory of a path, making what is missing. */
  #enter(components: readonly ByteString[]): OpenDirectory {
    let depth = 1
    while (depth < this.#open.length && this.#open[depth]?.name === components[depth - 1]) depth++
    this.#closeDownTo(depth)
    for (const name of components.slice(depth - 1)) {
      this.#open.push(this.#openChild(this.#top, name, true))
    }
    return this.#top
  }

  #enterListed(parent: OpenDirectory, name: ByteString, entry: TarEntry): void {
    const path = joinPath(parent.path, name)
    if (parent === this.#open[0] && name === this.#options.name) this.#stage(parent, name)
    this.#open.push(this.#openChild(parent, name, false))
    const { uid, gid, mode, modified, xattrs } = entry
    this.#listed.set(path, { uid, gid, mode, modified, xattrs })
  }

  /** A directory of the copy's own name, where there is none yet, is filled out of sight. */
  #stage(parent: OpenDirectory, name: ByteString): void {
    try {
      closeSync(openat2(parent.fd, toBuffer(name), O_PATH | constants.O_NOFOLLOW, RESOLVE_IN_ROOT))
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
      this.#isStaged = true
    }
  }

  #openChild(parent: OpenDirectory, name: ByteString, isImplied: boolean): OpenDirectory {
    const path = joinPath(parent.path, name)
    const isHidden = this.#isStaged && parent === this.#open[0] && name === this.#options.name
    const onDisk = inDirectory(parent.fd, isHidden ? this.#temporary : name)
    let isNew = true
    try {
      mkdirSync(onDisk, isImplied ? impliedMode : 0o700)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
      isNew = parent.isNew
    }
    try {
      return { path, name, fd: openSync(onDisk, directoryFlags), isNew }
    } catch (error) {
      if (!isErrno(error, 'ENOTDIR', 'ELOOP')) throw error
      const followed = isImplied ? this.#options.openFollowed?.(path) : undefined
      if (followed !== undefined) return { path, name, fd: followed, isNew: false }
      throw new TsctrError('INVALID_ARGUMENT', 'cannot replace a file with a directory')
    }
  }

  get #top(): OpenDirectory {
    return this.#open.at(-1) as OpenDirectory
  }

  #closeDownTo(depth: number): void {
    for (const { path, fd } of this.#open.splice(depth).reverse()) {
      const metadata = this.#listed.get(path)
      if (metadata !== undefined) {
        setDirectory(fd, metadata)
        if (this.#options.isOrdered) this.#listed.delete(path)
      }
      closeSync(fd)
    }
  }

  /** Make a file under a name, in the place of another if there is one. */
  #place(parent: OpenDirectory, name: ByteString, make: (path: Buffer) => void): void {
    const onDisk = inDirectory(parent.fd, name)
    const temporary = inDirectory(parent.fd, this.#temporary)
    if (!parent.isNew) refuseMountPoint(parent.fd, onDisk)
    this.#unfinishedIn = parent.fd
    try {
      make(temporary)
      renameSync(temporary, onDisk)
    } catch (error) {
      tryUnlink(temporary)
      this.#unfinishedIn = undefined
      throw error
    }
    this.#unfinishedIn = undefined
  }

  #link(parent: OpenDirectory, name: ByteString, entry: TarEntry): void {
    const components = cleanComponents(entry.linkName)
    const base = components.pop()
    if (base === undefined) throw missingTarget(entry)
    try {
      const directory = this.#openForLink(components)
      try {
        this.#place(parent, name, (path) => linkSync(inDirectory(directory, base), path))
      } finally {
        closeSync(directory)
      }
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw missingTarget(entry)
      throw error
    }
    // rename(2) leaves both names where they are links to one file already.
    tryUnlink(inDirectory(parent.fd, this.#temporary))
  }

  #openForLink(components: readonly ByteString[]): number {
    const [first, ...rest] = components
    const isHidden = this.#isStaged && first === this.#options.name
    const onDisk = isHidden ? [this.#temporary, ...rest] : components
    const path = onDisk.length === 0 ? '.' : toBuffer(onDisk.join('/') as ByteString)
    const flags = O_PATH | constants.O_DIRECTORY
    return openat2(this.#options.directoryFd, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)
  }
}

/** By descriptor: whatever holds the name now, this is the directory that was filled. */
function setDirectory(fd: number, metadata: Metadata): void {
  const own = inDirectory(fd, '.' as ByteString)
  lchownSync(own, metadata.uid, metadata.gid)
  chmodSync(own, metadata.mode)
  setXattrsAndTime(own, metadata)
}

function tryUnlink(path: Buffer): void {
  try {
    unlinkSync(path)
  } catch {
    // It is there only if something failed, which is what is reported.
  }
}

function missingTarget(entry: TarEntry): TsctrError {
  const target = escapeName(entry.linkName)
  return new TsctrError('INVALID_ARGUMENT', `hard link to ${target}, which does not exist`)
}
