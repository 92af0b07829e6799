import { constants, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { isErrno } from '../errors.ts'
import { lgetxattr } from '../host/libc.ts'
import {
  type ByteString,
  byteStringOf,
  cleanComponents,
  joinPath,
  toBuffer,
} from './byte-string.ts'
import type { RecordedMetadata } from './recorded-metadata.ts'
import { opaqueValue, opaqueXattrs } from './whiteout.ts'

/** Something visible in the merged view of the layers below. */
export interface LowerEntry {
  /** Where it really lies: in the uppermost layer that has it. */
  readonly path: ByteString
  readonly stats: Stats
  /** What the layer could not give the file, in `record`. */
  readonly recorded: RecordedMetadata | undefined
  /** For a directory. */
  readonly directory: LowerDirectory | undefined
}

/** A directory of the merged view: the real ones it consists of, top first. */
export interface LowerDirectory {
  readonly parts: readonly LowerPart[]
  readonly children: Map<ByteString, LowerEntry | undefined>
}

interface LowerPart {
  readonly layer: LowerLayer
  /** Relative to the layer's root. */
  readonly path: ByteString
}

interface LowerLayer {
  readonly root: ByteString
  readonly recorded: ReadonlyMap<ByteString, RecordedMetadata>
}

/**
 * The merged view of layers in overlay form, read from their directories.
 *
 * @param recordedTopFirst  what was recorded for each layer, in the same order; missing for `apply`
 * @returns                 undefined without layers
 * Source: overlayfs.rst "Upper and Lower", "whiteouts and opaque directories"
 */
export function openLowerTree(
  lowerdirsTopFirst: readonly string[],
  recordedTopFirst: readonly (readonly RecordedMetadata[])[],
): LowerEntry | undefined {
  const root = '' as ByteString
  const parts = lowerdirsTopFirst.map((lowerdir, index) => ({
    layer: {
      root: byteStringOf(lowerdir),
      recorded: new Map(
        recordedTopFirst[index]?.map((record) => [byteStringOf(record.path), record]),
      ),
    },
    path: root,
  }))
  const [top] = parts
  const found = top === undefined ? undefined : lookInPart(top)
  return found && { ...found, directory: { parts, children: new Map() } }
}

/** The entry of a name in a directory of the merged view. */
export function lowerChild(directory: LowerDirectory, name: ByteString): LowerEntry | undefined {
  if (directory.children.has(name)) return directory.children.get(name)
  const child = lookUp(directory, name)
  directory.children.set(name, child)
  return child
}

/** The entry of a path whose components are taken literally: symlinks are not followed. */
export function lowerEntryAt(root: LowerEntry, path: ByteString): LowerEntry | undefined {
  let entry: LowerEntry | undefined = root
  for (const name of cleanComponents(path)) {
    entry = entry?.directory && lowerChild(entry.directory, name)
  }
  return entry
}

/** Names that a directory of the merged view shows, in the order of their bytes. */
export function lowerNames(directory: LowerDirectory): ByteString[] {
  const names = directory.parts.flatMap(({ layer, path }) => namesIn(wholePath(layer, path)))
  const shown = [...new Set(names)].filter((name) => lowerChild(directory, name) !== undefined)
  return shown.sort()
}

export function isSymlink(entry: LowerEntry): boolean {
  return entry.stats.isSymbolicLink()
}

export function readLowerLink(entry: LowerEntry): ByteString {
  return byteStringOf(readlinkSync(toBuffer(entry.path), { encoding: 'buffer' }))
}

/** Whether a file is the mark that hides what lies below it. */
export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0
}

function lookUp(directory: LowerDirectory, name: ByteString): LowerEntry | undefined {
  let top: LowerEntry | undefined
  const parts: LowerPart[] = []
  for (const { layer, path } of directory.parts) {
    const part = { layer, path: joinPath(path, name) }
    const found = lookInPart(part)
    if (found === undefined) continue
    if (isWhiteout(found.stats) || isRecordedWhiteout(found.recorded)) break
    if (!found.stats.isDirectory()) return top === undefined ? found : finish(top, parts)
    top ??= found
    parts.push(part)
    if (isOpaque(found)) break
  }
  return top && finish(top, parts)
}

function finish(top: LowerEntry, parts: readonly LowerPart[]): LowerEntry {
  return { ...top, directory: { parts, children: new Map() } }
}

function lookInPart({ layer, path }: LowerPart): LowerEntry | undefined {
  const whole = wholePath(layer, path)
  const stats = lstatSync(toBuffer(whole), { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  return { path: whole, stats, recorded: layer.recorded.get(path), directory: undefined }
}

/** The topmost layer may be a running container's: what it removes meanwhile has no names. */
function namesIn(path: ByteString): ByteString[] {
  try {
    return readdirSync(toBuffer(path), { encoding: 'buffer' }).map(byteStringOf)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

function wholePath(layer: LowerLayer, path: ByteString): ByteString {
  return (path === '' ? layer.root : `${layer.root}/${path}`) as ByteString
}

function isRecordedWhiteout(recorded: RecordedMetadata | undefined): boolean {
  if (recorded === undefined) return false
  return (recorded.mode & constants.S_IFMT) === constants.S_IFCHR && recorded.rdev === 0
}

function isOpaque(entry: LowerEntry): boolean {
  return Object.values(opaqueXattrs).some(
    (name) =>
      lgetxattr(toBuffer(entry.path), name)?.equals(opaqueValue) === true ||
      entry.recorded?.xattrs.some((xattr) => byteStringOf(xattr.name) === name) === true,
  )
}
