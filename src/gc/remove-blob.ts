import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import type { Digest } from '../oci/digest.ts'
import { findUsers, type UserStores } from './users.ts'

/**
 * Remove one blob.
 *
 * @param isForced  even if something needs it
 * @throws          FAILED_PRECONDITION, naming who needs it
 */
export function removeBlob(stores: UserStores, digest: Digest, isForced: boolean): void {
  writeTransaction(stores.database, () => {
    const users = isForced ? [] : findUsers(stores).ofBlob(digest)
    if (users.length > 0) throw inUse(`blob ${digest}`, users, `tsctr content rm -f ${digest}`)
    stores.content.forget(digest)
  })
  stores.content.removeOrphans()
}

/**
 * Remove one snapshot.
 *
 * @throws  FAILED_PRECONDITION, naming who needs it; NOT_FOUND
 */
export function removeSnapshot(stores: UserStores, key: string): void {
  writeTransaction(stores.database, () => {
    const users = findUsers(stores).ofSnapshot(key)
    if (users.length > 0) throw inUse(`snapshot ${key}`, users, undefined)
    stores.snapshots.forget(key)
  })
  stores.snapshots.cleanup()
}

function inUse(what: string, users: readonly string[], hint: string | undefined): TsctrError {
  return new TsctrError('FAILED_PRECONDITION', `${what}: needed by ${users.join(', ')}`, { hint })
}
