import { type ByteString, toBuffer } from '../layer/byte-string.ts'
import type { ViewChange } from '../layer/compare-views.ts'

export interface PathChange {
  readonly kind: ViewChange['kind']
  /** Absolute; names are bytes. */
  readonly path: Buffer
}

/**
 * As docker lists changes: a directory in which something changed is changed itself, but for the
 * root, which is never listed.
 */
export function changedPaths(changes: Iterable<ViewChange>): PathChange[] {
  const kinds = new Map<ByteString, ViewChange['kind']>()
  for (const { kind, path } of changes) {
    kinds.set(path, kind)
    for (let at = parentOf(path); at !== '' && !kinds.has(at); at = parentOf(at)) {
      kinds.set(at, 'changed')
    }
  }
  const sorted = [...kinds].sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([path, kind]) => ({ kind, path: toBuffer(`/${path}` as ByteString) }))
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0)) as ByteString
}
