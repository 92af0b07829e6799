import { type Dirent, lstatSync, readdirSync, rmdirSync, type Stats, unlinkSync } from 'node:fs'

/**
 * Remove everything in a directory but not the directory. Names are bytes, symlinks are not
 * followed, depth is not limited by the stack.
 *
 * @param onRemoved  called for each file and directory, as it was
 */
export function removeContents(root: Buffer, onRemoved: (stats: Stats) => void): void {
  const stack: { path: Buffer; entries: Dirent<Buffer>[] }[] = [{ path: root, entries: list(root) }]
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const entry = top.entries.pop()
    if (entry === undefined) {
      stack.pop()
      if (stack.length > 0) removeEmptyDirectory(top.path, onRemoved)
      continue
    }
    const path = Buffer.concat([top.path, Buffer.from('/'), entry.name])
    if (entry.isDirectory()) stack.push({ path, entries: list(path) })
    else removeFile(path, onRemoved)
  }
}

export function removeEmptyDirectory(path: Buffer, onRemoved: (stats: Stats) => void): void {
  const stats = lstatSync(path)
  rmdirSync(path)
  onRemoved(stats)
}

export function removeFile(path: Buffer, onRemoved: (stats: Stats) => void): void {
  const stats = lstatSync(path)
  unlinkSync(path)
  onRemoved(stats)
}

function list(path: Buffer): Dirent<Buffer>[] {
  return readdirSync(path, { encoding: 'buffer', withFileTypes: true })
}
