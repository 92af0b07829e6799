import { closeSync, lstatSync, openSync, readSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { type ByteString, joinPath, toBuffer } from './byte-string.ts'
import type { Ownership } from './file-metadata.ts'
import { type LowerDirectory, type LowerEntry, lowerChild, lowerNames } from './lower-tree.ts'
import { describeFile, type FileToPack } from './pack-files.ts'
import { encodeTarEntry } from './tar-format.ts'

/** What differs between two merged views. */
export interface ViewChange {
  readonly kind: 'added' | 'changed' | 'deleted'
  /** Relative to the root. */
  readonly path: ByteString
  /** As it is in the later view; undefined where it is deleted. */
  readonly after: LowerEntry | undefined
}

/** Whether what a name means in two views counts as the same; asked only where it lies elsewhere. */
export type IsSame = (before: LowerEntry, after: LowerEntry) => boolean

/**
 * Compare two merged views of layers, each directory before what is in it, names in the order of
 * their bytes. A directory counts for itself: what is in it is told of on its own; of one that is
 * deleted only the name is told.
 *
 * What both views take from the same place in the same layers is not looked into.
 */
export function* compareViews(
  before: LowerEntry | undefined,
  after: LowerEntry | undefined,
  isSame: IsSame,
): Generator<ViewChange> {
  yield* compareDirectories('' as ByteString, before?.directory, after?.directory, isSame)
}

function* compareDirectories(
  path: ByteString,
  before: LowerDirectory | undefined,
  after: LowerDirectory | undefined,
  isSame: IsSame,
): Generator<ViewChange> {
  if (before !== undefined && after !== undefined && haveSameParts(before, after)) return
  const names = new Set([
    ...(before === undefined ? [] : lowerNames(before)),
    ...(after === undefined ? [] : lowerNames(after)),
  ])
  for (const name of [...names].sort()) {
    const old = before === undefined ? undefined : lowerChild(before, name)
    const now = after === undefined ? undefined : lowerChild(after, name)
    yield* compareEntries(joinPath(path, name), old, now, isSame)
    // What was looked up is kept with the directory: a view is larger than its changes.
    before?.children.delete(name)
    after?.children.delete(name)
  }
}

function* compareEntries(
  path: ByteString,
  before: LowerEntry | undefined,
  after: LowerEntry | undefined,
  isSame: IsSame,
): Generator<ViewChange> {
  if (after === undefined) {
    if (before !== undefined) yield { kind: 'deleted', path, after }
    return
  }
  if (before === undefined) yield { kind: 'added', path, after }
  else if (before.path !== after.path && !isSame(before, after)) {
    yield { kind: 'changed', path, after }
  }
  if (after.directory === undefined) return
  // Of another kind before: then nothing in the directory was there.
  yield* compareDirectories(path, before?.directory, after.directory, isSame)
}

function haveSameParts(a: LowerDirectory, b: LowerDirectory): boolean {
  return (
    a.parts.length === b.parts.length &&
    a.parts.every(
      ({ layer, path }, index) =>
        layer.root === b.parts[index]?.layer.root && path === b.parts[index]?.path,
    )
  )
}

/** A file of a view, to be described or packed; undefined if it went away. */
export function viewFile(name: ByteString, entry: LowerEntry): FileToPack | undefined {
  const path = toBuffer(entry.path)
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? undefined : { name, path, stats, recorded: entry.recorded }
}

export interface EqualityOptions {
  readonly ownership: Ownership
  /** Leave the time of the last change out. */
  readonly ignoresTime?: boolean
}

/** Whether an archive would say the same of two files, their bodies apart. */
export function haveSameMetadata(
  before: LowerEntry,
  after: LowerEntry,
  { ownership, ignoresTime = false }: EqualityOptions,
): boolean {
  const name = '' as ByteString
  const [a, b] = [before, after].map((entry) => {
    const file = viewFile(name, entry)
    const described = file && describeFile(file, ownership)
    if (described === undefined) return undefined
    const modified = ignoresTime ? { seconds: 0, nanoseconds: 0 } : described.modified
    return encodeTarEntry({ ...described, modified })
  })
  return a !== undefined && b !== undefined && a.equals(b)
}

const chunkBytes = 256 * 1024

/** Whether two regular files of the same size hold the same bytes. */
export function haveSameContent(before: LowerEntry, after: LowerEntry): boolean {
  const files: number[] = []
  try {
    for (const { path } of [before, after]) files.push(openSync(toBuffer(path), 'r'))
    const [a = -1, b = -1] = files
    const [one, other] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)]
    for (;;) {
      const length = readSync(a, one)
      if (readSync(b, other) !== length || !one.equals(other)) return false
      if (length === 0) return true
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  } finally {
    for (const fd of files) closeSync(fd)
  }
}
