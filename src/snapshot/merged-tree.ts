import { type BigIntStats, linkSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { lgetxattr } from '../host/libc.ts'
import { copyAttributes, copyLeaf } from './copy-file.ts'

/** Hard-linked files copied so far: where the first copy of each inode lies. */
type CopiedLinks = Map<string, Buffer>

/** Attributes that mark a directory which hides what lies below it, of root and of users. */
const opaqueNames = ['trusted.overlay.opaque', 'user.overlay.opaque']

/**
 * Copy what an overlay mount of layers would show. Names are bytes; owners, modes, times, attributes,
 * devices and, within a layer, hard links are kept.
 *
 * @param layersTopFirst  directories in overlay form; at least one
 * @param target          an empty directory; takes the attributes of the topmost layer's root
 * Source: overlayfs.rst "Upper and Lower", "whiteouts and opaque directories"
 */
export function copyMergedTree(layersTopFirst: readonly string[], target: string): void {
  const parts = layersTopFirst.map((layer) => Buffer.from(layer))
  copyDirectory(parts, Buffer.from(target), new Map())
}

function copyDirectory(partsTopFirst: readonly Buffer[], target: Buffer, links: CopiedLinks): void {
  for (const [key, entry] of mergedEntries(partsTopFirst)) {
    const path = join(target, Buffer.from(key, 'latin1'))
    if (entry.kind === 'directory') {
      // Closed while it is filled: it gets its own mode last.
      mkdirSync(path, 0o700)
      copyDirectory(entry.partsTopFirst, path, links)
    } else if (entry.kind === 'file') {
      copyFile(entry, path, links)
    }
  }
  const [top] = partsTopFirst
  // Last, because each name made in a directory changes its time.
  if (top !== undefined) copyAttributes(top, lstatSync(top, { bigint: true }), target)
}

function copyFile({ path, stats }: MergedFile, target: Buffer, links: CopiedLinks): void {
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
function mergedEntries(partsTopFirst: readonly Buffer[]): Map<string, MergedEntry> {
  const entries = new Map<string, MergedEntry>()
  for (const part of partsTopFirst) {
    for (const name of readdirSync(part, { encoding: 'buffer' })) {
      const key = name.toString('latin1')
      const above = entries.get(key)
      if (above === undefined) entries.set(key, entryAt(join(part, name)))
      else if (above.kind === 'directory' && above.isOpen) addBelow(above, join(part, name))
    }
  }
  return entries
}

function entryAt(path: Buffer): MergedEntry {
  const stats = lstatSync(path, { bigint: true })
  if (stats.isDirectory()) {
    return { kind: 'directory', partsTopFirst: [path], isOpen: !isOpaque(path) }
  }
  return isWhiteout(stats) ? { kind: 'hidden' } : { kind: 'file', path, stats }
}

/** A directory merges with directories; anything else of its name ends it. */
function addBelow(directory: MergedDirectory, path: Buffer): void {
  if (lstatSync(path).isDirectory()) {
    directory.partsTopFirst.push(path)
    directory.isOpen = !isOpaque(path)
  } else {
    directory.isOpen = false
  }
}

function isWhiteout(stats: BigIntStats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0n
}

function isOpaque(directory: Buffer): boolean {
  return opaqueNames.some((name) => lgetxattr(directory, name)?.toString('latin1') === 'y')
}

function join(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name])
}
