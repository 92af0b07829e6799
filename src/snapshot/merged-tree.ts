import { type BigIntStats, linkSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { lgetxattr } from '../host/libc.ts'
import { copyAttributes, copyLeaf } from './copy-file.ts'
import { noMarks, opaqueNames, type RecordedMarks } from './recorded-marks.ts'

/** What a copy keeps in mind. */
interface Copying {
  readonly marks: RecordedMarks
  /** Hard-linked files copied so far: where the first copy of each inode lies. */
  readonly links: Map<string, Buffer>
}

/**
 * Copy what an overlay mount of layers would show. Names are bytes; owners, modes, times, attributes,
 * devices and, within a layer, hard links are kept.
 *
 * @param layersTopFirst  directories in overlay form; at least one
 * @param target          an empty directory; takes the attributes of the topmost layer's root
 * @param marks           those of the layers that are not in their directories
 * Source: overlayfs.rst "Upper and Lower", "whiteouts and opaque directories"
 */
export function copyMergedTree(
  layersTopFirst: readonly string[],
  target: string,
  marks = noMarks,
): void {
  const parts = layersTopFirst.map((layer) => Buffer.from(layer))
  copyDirectory(parts, Buffer.from(target), { marks, links: new Map() })
}

function copyDirectory(partsTopFirst: readonly Buffer[], target: Buffer, copying: Copying): void {
  for (const [key, entry] of mergedEntries(partsTopFirst, copying.marks)) {
    const path = join(target, Buffer.from(key, 'latin1'))
    if (entry.kind === 'directory') {
      // Closed while it is filled: it gets its own mode last.
      mkdirSync(path, 0o700)
      copyDirectory(entry.partsTopFirst, path, copying)
    } else if (entry.kind === 'file') {
      copyFile(entry, path, copying.links)
    }
  }
  const [top] = partsTopFirst
  // Last, because each name made in a directory changes its time.
  if (top !== undefined) copyAttributes(top, lstatSync(top, { bigint: true }), target)
}

function copyFile({ path, stats }: MergedFile, target: Buffer, links: Copying['links']): void {
  const inode = `${stats.dev}:${stats.ino}`
  const copied = stats.nlink > 1n ? links.get(inode) : undefined
  if (copied !== undefined) {
    linkSync(copied, target)
    return
  }
  copyLeaf(path, stats, target)
  if (stats.nlink > 1n) links.set(inode, target)
}

interface MergedFile {
  readonly kind: 'file'
  readonly path: Buffer
  readonly stats: BigIntStats
}

interface MergedDirectory {
  readonly kind: 'directory'
  readonly partsTopFirst: Buffer[]
  /** Whether layers further down can still add to it. */
  isOpen: boolean
}

type MergedEntry = MergedFile | MergedDirectory | { readonly kind: 'hidden' }

/** What each name in the parts of one directory means, by the name's bytes as latin1. */
function mergedEntries(
  partsTopFirst: readonly Buffer[],
  marks: RecordedMarks,
): Map<string, MergedEntry> {
  const entries = new Map<string, MergedEntry>()
  for (const part of partsTopFirst) {
    for (const name of readdirSync(part, { encoding: 'buffer' })) {
      const key = name.toString('latin1')
      const above = entries.get(key)
      if (above === undefined) entries.set(key, entryAt(join(part, name), marks))
      else if (above.kind === 'directory' && above.isOpen) addBelow(above, join(part, name), marks)
    }
  }
  return entries
}

function entryAt(path: Buffer, marks: RecordedMarks): MergedEntry {
  const stats = lstatSync(path, { bigint: true })
  if (stats.isDirectory()) {
    return { kind: 'directory', partsTopFirst: [path], isOpen: !isOpaque(path, marks) }
  }
  return isWhiteout(path, stats, marks) ? { kind: 'hidden' } : { kind: 'file', path, stats }
}

/** A directory merges with directories; anything else of its name ends it. */
function addBelow(directory: MergedDirectory, path: Buffer, marks: RecordedMarks): void {
  if (lstatSync(path).isDirectory()) {
    directory.partsTopFirst.push(path)
    directory.isOpen = !isOpaque(path, marks)
  } else {
    directory.isOpen = false
  }
}

function isWhiteout(path: Buffer, stats: BigIntStats, { whiteouts }: RecordedMarks): boolean {
  if (stats.isCharacterDevice() && stats.rdev === 0n) return true
  return whiteouts.size > 0 && whiteouts.has(path.toString('latin1'))
}

function isOpaque(path: Buffer, { opaque }: RecordedMarks): boolean {
  if (opaque.size > 0 && opaque.has(path.toString('latin1'))) return true
  return opaqueNames.some((name) => lgetxattr(path, name)?.toString('latin1') === 'y')
}

function join(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name])
}
