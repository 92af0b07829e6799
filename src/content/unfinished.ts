import { TsctrError } from '../errors.ts'
import { isAlive } from '../host/owner.ts'
import { type ContentPlace, discardIngest, fileSize } from './commit-blob.ts'
import { tryLockIngest } from './ingest-lock.ts'
import { ingestKeysIn, ingestPathsIn } from './layout.ts'
import { deleteIngestRecord, findIngest, type IngestRecord, listIngests } from './records.ts'

/** An unfinished write and how far it got. */
export interface Ingest extends IngestRecord {
  readonly offsetBytes: number
}

/** A write without a row. */
export interface StagedIngestInfo {
  readonly key: string
  readonly offsetBytes: number
  /** A process is at it. */
  readonly isHeld: boolean
}

export interface SweepOptions {
  /** Keep younger ones: the next pull goes on with them. */
  readonly minAgeMs: number
  /** Only say which. */
  readonly isDryRun?: boolean
}

/** All unfinished writes, oldest first. */
export function listUnfinished({ layout, database }: ContentPlace): Ingest[] {
  return listIngests(database).map((record) => {
    const { data } = ingestPathsIn(layout, record.key)
    return { ...record, offsetBytes: fileSize(data) ?? 0 }
  })
}

/** Keys of writes that have no row: of bytes whose digest is not known yet, or left by a crash. */
export function listStaged({ layout, database }: ContentPlace): StagedIngestInfo[] {
  const known = new Set(listIngests(database).map(({ key }) => key))
  const keys = ingestKeysIn(layout).filter((key) => !known.has(key))
  return keys.map((key) => {
    const paths = ingestPathsIn(layout, key)
    const lock = tryLockIngest(paths)
    lock?.release()
    return { key, offsetBytes: fileSize(paths.data) ?? 0, isHeld: lock === undefined }
  })
}

/** Give up an unfinished write. @throws FAILED_PRECONDITION while a process works on it */
export function removeUnfinished(place: ContentPlace, key: string): void {
  const { layout, database } = place
  const paths = ingestPathsIn(layout, key)
  if (fileSize(paths.directory) === undefined) {
    deleteIngestRecord(database, key)
    return
  }
  const lock = tryLockIngest(paths)
  if (lock === undefined) {
    throw new TsctrError('FAILED_PRECONDITION', `ingest ${key}: another process is writing it`)
  }
  try {
    discardIngest(place, { key, paths })
  } finally {
    lock.release()
  }
}

/**
 * Give up unfinished writes whose process is gone.
 *
 * @param options.minAgeMs  keep younger ones: the next pull goes on with them
 * @param options.isDryRun  only say which
 * @returns                 their keys
 */
export function sweepUnfinished(place: ContentPlace, options: SweepOptions): string[] {
  const { layout, database } = place
  const records = listIngests(database).map((record) => record.key)
  return [...new Set([...records, ...ingestKeysIn(layout)])].filter((key) =>
    sweepOne(place, key, options),
  )
}

function sweepOne(
  place: ContentPlace,
  key: string,
  { minAgeMs, isDryRun = false }: SweepOptions,
): boolean {
  const { layout, database } = place
  const paths = ingestPathsIn(layout, key)
  const hasDirectory = fileSize(paths.directory) !== undefined
  // Held: a process works on it, whatever its row says.
  const lock = hasDirectory ? tryLockIngest(paths) : undefined
  if (hasDirectory && lock === undefined) return false
  try {
    // Read under the lock: its last holder may have finished, or a new one begun.
    const record = findIngest(database, key)
    if (record !== undefined) {
      if (isAlive(record.owner)) return false
      if (Date.now() - record.startedAt.getTime() < minAgeMs) return false
    }
    if (!isDryRun) discardIngest(place, { key, paths })
    return true
  } finally {
    lock?.release()
  }
}
