import { TsctrError } from '../errors.ts'
import { type Database, writeTransaction } from '../host/database.ts'
import type { Digest } from '../oci/digest.ts'
import { findBlob, setBlobLabels } from './records.ts'

/** A blob with this label is kept though nothing names it. Source: containerd garbage-collection.md */
export const gcRootLabel = 'containerd.io/gc.root'

/**
 * Change some labels of a blob; an empty value takes a label away.
 *
 * @returns  all that it has now
 * @throws   NOT_FOUND
 * Source: ctr content label
 */
export function labelBlob(
  database: Database,
  digest: Digest,
  changes: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return writeTransaction(database, () => {
    const blob = findBlob(database, digest)
    if (blob === undefined) {
      throw new TsctrError('NOT_FOUND', `blob ${digest}: not in the content store`)
    }
    const labels = new Map(blob.labels)
    for (const [key, value] of changes) {
      if (value === '') labels.delete(key)
      else labels.set(key, value)
    }
    setBlobLabels(database, digest, labels)
    return labels
  })
}
