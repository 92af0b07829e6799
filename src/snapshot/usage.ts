import { lstatSync, readdirSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import type { SnapshotUsage } from './snapshotter.ts'

/**
 * Space that a directory tree takes on disk, itself included; a hard-linked file counts once.
 *
 * @param root  never followed if a symlink
 */
export function measureUsage(root: string): SnapshotUsage {
  const seen = new Set<bigint>()
  let sizeBytes = 0
  let inodes = 0
  const visit = (path: Buffer): void => {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    // A container that runs removes files meanwhile.
    if (stat === undefined) return
    if (stat.nlink > 1n && !stat.isDirectory()) {
      if (seen.has(stat.ino)) return
      seen.add(stat.ino)
    }
    inodes += 1
    sizeBytes += Number(stat.blocks) * 512
    if (!stat.isDirectory()) return
    for (const name of namesIn(path)) visit(Buffer.concat([path, Buffer.from('/'), name]))
  }
  visit(Buffer.from(root))
  return { sizeBytes, inodes }
}

function namesIn(directory: Buffer): Buffer[] {
  try {
    return readdirSync(directory, { encoding: 'buffer' })
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}
