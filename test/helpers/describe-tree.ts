import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { lgetxattr, llistxattr } from '../../src/host/libc.ts'

const dot = Buffer.from('.')

/**
 * One line for each file, by its path. Times that no layer gave are `new`.
 *
 * @param like  where it has `new`, so has the result: umoci restores the time of an entry's parent,
 *              and not what it touches otherwise (the root, directories emptied by an opaque mark)
 */
export function describeTree(
  root: string,
  like?: ReadonlyMap<string, string>,
): Map<string, string> {
  const startedNs = BigInt(Date.now() - 60_000) * 1_000_000n
  const lines = new Map<string, string>()
  const pending = [dot]
  for (const path of pending) {
    const onDisk = Buffer.concat([Buffer.from(`${root}/`), path])
    const stats = lstatSync(onDisk, { bigint: true })
    const xattrs = llistxattr(onDisk)
      .map((name) => `${name}=${lgetxattr(onDisk, name)?.toString('hex')}`)
      .filter((xattr) => !xattr.startsWith('trusted.overlay.'))
    const isNew = stats.mtimeNs > startedNs || like?.get(path.toString('latin1'))?.includes(' new')
    const time = isNew ? 'new' : stats.mtimeNs
    const facts = [stats.mode.toString(8), stats.uid, stats.gid, stats.rdev, time, ...xattrs.sort()]
    if (stats.isFile()) {
      facts.push(`${stats.size}`, createHash('sha256').update(readFileSync(onDisk)).digest('hex'))
    }
    if (stats.isSymbolicLink()) facts.push(readlinkSync(onDisk, 'buffer').toString('hex'))
    lines.set(path.toString('latin1'), facts.join(' '))
    if (!stats.isDirectory()) continue
    for (const name of readdirSync(onDisk, 'buffer')) {
      pending.push(Buffer.concat([path, Buffer.from('/'), name]))
    }
  }
  return new Map([...lines].sort(([a], [b]) => (a < b ? -1 : 1)))
}
