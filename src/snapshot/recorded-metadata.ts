import { type Database, writeTransaction } from '../host/database.ts'

/** What a file of a snapshot should be, where the one who unpacked it had not the right to make it so. */
export interface RecordedEntry {
  /** Relative to the snapshot's root, bytes. */
  readonly path: Uint8Array
  readonly uid: number
  readonly gid: number
  /** Type and permission bits. */
  readonly mode: number
  readonly rdev: number
  readonly xattrs: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[]
}

/** Keep entries for a snapshot, the last of one path winning. */
export function recordMetadata(
  database: Database,
  snapshotNumber: number,
  entries: readonly RecordedEntry[],
): void {
  if (entries.length === 0) return
  writeTransaction(database, () => {
    const insert = database.prepare(
      'INSERT OR REPLACE INTO recorded_metadata VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    for (const { path, uid, gid, mode, rdev, xattrs } of entries) {
      insert.run(snapshotNumber, Buffer.from(path), uid, gid, mode, rdev, xattrsText(xattrs))
    }
  })
}

/** What was kept for a snapshot, by path. */
export function recordedMetadata(database: Database, snapshotNumber: number): RecordedEntry[] {
  return database
    .prepare<[number], Omit<RecordedEntry, 'xattrs'> & { xattrs: string }>(
      'SELECT path, uid, gid, mode, rdev, xattrs FROM recorded_metadata WHERE n = ? ORDER BY path',
    )
    .all(snapshotNumber)
    .map((row) => ({ ...row, xattrs: xattrsOf(row.xattrs) }))
}

/** Pairs of name and value in base64: both are bytes. */
function xattrsText(xattrs: RecordedEntry['xattrs']): string {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  return JSON.stringify(xattrs.map(({ name, value }) => [base64(name), base64(value)]))
}

function xattrsOf(text: string): RecordedEntry['xattrs'] {
  const pairs = JSON.parse(text) as [string, string][]
  return pairs.map(([name, value]) => ({
    name: Buffer.from(name, 'base64'),
    value: Buffer.from(value, 'base64'),
  }))
}
