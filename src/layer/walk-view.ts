import type { ByteString } from './byte-string.ts'
import { joinPath } from './byte-string.ts'
import { viewFile } from './compare-views.ts'
import { type LowerEntry, lowerChild, lowerNames } from './lower-tree.ts'
import type { FileToPack } from './pack-files.ts'

/**
 * All files of a merged view, the root first: each directory before what is in it, names in the
 * order of their bytes. For views that nobody changes meanwhile.
 */
export function* walkView(
  entry: LowerEntry,
  name: ByteString = '' as ByteString,
): Generator<FileToPack> {
  const file = viewFile(name, entry)
  if (file !== undefined) yield file
  const { directory } = entry
  if (directory === undefined) return
  for (const child of lowerNames(directory)) {
    const found = lowerChild(directory, child)
    if (found !== undefined) yield* walkView(found, joinPath(name, child))
    directory.children.delete(child)
  }
}
