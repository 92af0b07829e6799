import { constants, writeSync } from 'node:fs'
import { posix } from 'node:path'
import { isErrno, TsctrError } from '../../errors.ts'
import { O_PATH } from '../../host/libc.ts'
import { ByteReader } from '../../layer/byte-reader.ts'
import { type ByteString, byteStringOf, joinPath, toBuffer } from '../../layer/byte-string.ts'
import type { LayerStream } from '../../layer/decompress.ts'
import { TarReader } from '../../layer/tar-reader.ts'
import {
  assertsDirectory,
  closeTree,
  type Located,
  locate,
  openIn,
  type TreeRoot,
} from './locate.ts'
import { openTree, type TreePlace } from './open-tree.ts'
import { packSource } from './pack-source.ts'
import { type CopyPlace, placeOfCopy } from './place.ts'
import { type SharedInput, streamOfShared } from './shared-input.ts'
import { TreeWriter } from './tree-writer.ts'

/** A copy in plain data. */
export interface CopyTask {
  readonly from: CopyFrom
  readonly to: CopyTo
  /** Of what is made; undefined to keep what the source has. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  readonly keepsXattrs: boolean
  /** Set to 1 to end the copy. */
  readonly interruption: SharedArrayBuffer
}

export type CopyFrom =
  | { readonly kind: 'stream'; readonly input: SharedInput }
  | {
      readonly kind: 'tree'
      readonly place: TreePlace
      readonly path: string
      readonly followsLink: boolean
    }

export type CopyTo =
  | { readonly kind: 'stream'; readonly fd: number }
  | {
      readonly kind: 'tree'
      readonly place: TreePlace
      readonly path: string
      /** A directory takes owner, mode and times of the archive's root. */
      readonly takesRoot?: boolean | undefined
    }

export interface CopyOutcome {
  /** Of the archive, as docker counts. */
  readonly copiedBytes: number
  /** The destination took what the archive says of its root. */
  readonly tookRoot?: boolean
}

const blockBytes = 512
const retryMs = 2

/** @throws  TsctrError for what is the user's to mend; EPIPE as it is */
export function runCopy(task: CopyTask): CopyOutcome {
  const flag = new Int32Array(task.interruption)
  const check = (): void => {
    if (Atomics.load(flag, 0) !== 0) throw new TsctrError('UNAVAILABLE', 'interrupted')
  }
  const { from, to } = task
  const opened: TreeRoot[] = []
  const open = (place: TreePlace): TreeRoot => {
    const root = openTree(place)
    opened.push(root)
    return root
  }
  try {
    if (from.kind === 'stream') {
      if (to.kind === 'stream') throw new Error('bug: a copy from stdin to stdout')
      const stream = streamOfShared(from.input, check)
      return unpackInto(open(to.place), to, stream, check)
    }
    const root = open(from.place)
    const located = locate(root, from.path, from.followsLink)
    const source = describeSource(root, located, from)
    if (to.kind === 'stream') return packToStream(task, to.fd, { located, source, check })
    const destination = openDestination(open(to.place), to.path)
    return copyTree({ ...task, to }, destination, { located, source, check })
  } finally {
    for (const root of opened) closeTree(root)
  }
}

interface Source {
  readonly shown: string
  readonly isDirectory: boolean
  readonly isContents: boolean
  readonly name: string
}

interface Prepared {
  readonly located: Located
  readonly source: Source
  readonly check: () => void
}

function describeSource(
  root: TreeRoot,
  located: Located,
  { path }: { readonly path: string },
): Source {
  const shown = `${root.prefix}${path}`
  if (located.stats === undefined) {
    throw new TsctrError('NOT_FOUND', `${shown}: no such file or directory`)
  }
  const isDirectory = located.directoryFd !== undefined
  if (!isDirectory && assertsDirectory(path)) {
    throw new TsctrError('INVALID_ARGUMENT', `${shown}: not a directory`)
  }
  const isContents = isDirectory && /(^|\/)\.?$/.test(path.replace(/([^/])\/+$/, '$1'))
  return { shown, isDirectory, isContents, name: nameOf(posix.normalize(`/${path}`)) }
}

/** The last component as typed: a link that was followed gives the copy its name. */
function nameOf(path: string): string {
  return path.replace(/(\/\.?)+$/, '').replace(/^.*\//s, '')
}

function packToStream(
  task: CopyTask,
  fd: number,
  { located, source, check }: Prepared,
): CopyOutcome {
  const pieces = packSource({
    located,
    shown: source.shown,
    name: source.isContents ? undefined : byteStringOf(source.name),
    owner: undefined,
    keepsXattrs: task.keepsXattrs,
    roundsTimes: true,
  })
  let copiedBytes = 0
  for (const piece of pieces) {
    check()
    writeToStream(fd, piece, check)
    copiedBytes += piece.length
  }
  return { copiedBytes }
}

function copyTree(
  task: CopyTask & { readonly to: Extract<CopyTo, { kind: 'tree' }> },
  destination: Destination,
  { located, source, check }: Prepared,
): CopyOutcome {
  const place = placeOfCopy(source, destination)
  const name = place.name === undefined ? undefined : byteStringOf(place.name)
  const pieces = packSource({
    located,
    shown: source.shown,
    name,
    owner: task.owner,
    keepsXattrs: task.keepsXattrs,
    roundsTimes: false,
  })
  let count = 0
  const writer = new TreeWriter({
    directoryFd: directoryOf(destination, place),
    name,
    shown: `${destination.prefix}${directoryPath(destination, place)}`,
    isOrdered: true,
    takesRoot: task.to.takesRoot === true,
    check,
  })
  unpack(streamOfPieces(pieces), writer, (entryBytes) => {
    count += entryBytes
  })
  return { copiedBytes: count + 2 * blockBytes }
}

/**
 * Unpack an archive into a directory of a tree.
 *
 * @throws  INVALID_ARGUMENT if it is no directory
 */
export function unpackInto(
  root: TreeRoot,
  { path, takesRoot = false }: { readonly path: string; readonly takesRoot?: boolean | undefined },
  stream: LayerStream,
  check: () => void,
): CopyOutcome {
  const destination = openDestination(root, path)
  if (destination.kind !== 'directory' || destination.located.directoryFd === undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `${destination.shown}: must be a directory`)
  }
  const base = byteStringOf(destination.located.path)
  const writer = new TreeWriter({
    directoryFd: destination.located.directoryFd,
    name: undefined,
    shown: `${destination.prefix}${directoryPath(destination, { directory: 'destination', name: undefined })}`,
    openFollowed: (path: ByteString) =>
      openIn(root, toBuffer(joinPath(base, path)), O_PATH | constants.O_DIRECTORY),
    isOrdered: false,
    takesRoot,
    check,
  })
  let count = 0
  unpack(stream, writer, (entryBytes) => {
    count += entryBytes
  })
  return { copiedBytes: count + 2 * blockBytes, tookRoot: writer.hasRoot }
}

function unpack(
  stream: LayerStream,
  writer: TreeWriter,
  count: (entryBytes: number) => void,
): void {
  const archive = new TarReader(new ByteReader(stream, false))
  try {
    for (let entry = archive.next(); entry !== undefined; entry = archive.next()) {
      writer.write(entry, (length, use) => archive.forEachBodySlice(length, use))
      count(blockBytes * (1 + Math.ceil(entry.bodyBytes / blockBytes)))
    }
    writer.finish()
  } catch (error) {
    writer.discard()
    throw error
  }
}

interface Destination {
  readonly located: Located
  readonly prefix: string
  readonly shown: string
  readonly kind: 'missing' | 'directory' | 'other'
  readonly assertsDirectory: boolean
  readonly name: string
}

function openDestination(root: TreeRoot, path: string): Destination {
  const located = locate(root, path, true)
  const { stats, directoryFd } = located
  const shown = `${root.prefix}${path}`
  if (stats !== undefined && directoryFd === undefined && !stats.isFile()) {
    throw new TsctrError('INVALID_ARGUMENT', `${shown}: must be a directory or a regular file`)
  }
  return {
    located,
    prefix: root.prefix,
    shown,
    kind: directoryFd !== undefined ? 'directory' : stats === undefined ? 'missing' : 'other',
    assertsDirectory: assertsDirectory(path),
    name: toBuffer(located.name).toString(),
  }
}

function directoryOf({ located }: Destination, place: CopyPlace): number {
  if (place.directory === 'parent') return located.parentFd
  if (located.directoryFd === undefined) throw new Error('bug: the destination is no directory')
  return located.directoryFd
}

/** The directory that entries are written into, with a slash at its end. */
function directoryPath({ located }: Destination, place: CopyPlace): string {
  const { path } = located
  if (place.directory === 'parent') return path.slice(0, path.lastIndexOf('/') + 1)
  return path.endsWith('/') ? path : `${path}/`
}

function streamOfPieces(pieces: Generator<Buffer>): LayerStream {
  let piece: Buffer = Buffer.alloc(0)
  return {
    read: (into) => {
      while (piece.length === 0) {
        const next = pieces.next()
        if (next.done === true) return 0
        piece = next.value
      }
      const length = piece.copy(into)
      piece = piece.subarray(length)
      return length
    },
    close: () => void pieces.return(undefined),
  }
}

function writeToStream(fd: number, bytes: Buffer, check: () => void): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written)
    } catch (error) {
      // The other end of a pipe may have been made non-blocking by another program.
      if (!isErrno(error, 'EAGAIN')) throw error
      check()
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
    }
  }
}
