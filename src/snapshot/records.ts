import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import { selfAsOwner } from '../host/owner.ts'
import type { Labels, SnapshotInfo, SnapshotKind, SnapshotUsage } from './snapshotter.ts'

interface SnapshotRow {
  n: number
  key: string
  parent_key: string | null
  kind: SnapshotKind
  labels: string
  size_bytes: number | null
  inodes: number | null
  owner_pid: number
  owner_start_ticks: number
  owner_boot_id: string
  created_at: number
  updated_at: number
}

const columns = `s.*, (SELECT p.key FROM snapshot p WHERE p.n = s.parent) AS parent_key`

/** @throws NOT_FOUND */
export function getSnapshot(database: Database, key: string): SnapshotInfo {
  const found = findSnapshot(database, key)
  if (found === undefined) throw new TsctrError('NOT_FOUND', `snapshot ${key}: no such snapshot`)
  return found
}

/** The snapshot of this key or name, if there is one. */
export function findSnapshot(database: Database, key: string): SnapshotInfo | undefined {
  const row = database
    .prepare<[string], SnapshotRow>(`SELECT ${columns} FROM snapshot s WHERE s.key = ?`)
    .get(key)
  return row === undefined ? undefined : toRecord(row)
}

/** All snapshots in the order of their numbers. */
export function listSnapshots(database: Database): SnapshotInfo[] {
  return database
    .prepare<[], SnapshotRow>(`SELECT ${columns} FROM snapshot s ORDER BY s.n`)
    .all()
    .map(toRecord)
}

/** Name and bytes of each committed snapshot: all that listings of many images want of them. */
export function listSizes(database: Database): [key: string, sizeBytes: number][] {
  return database
    .prepare<[], [string, number]>(
      "SELECT key, coalesce(size_bytes, 0) FROM snapshot WHERE kind = 'committed'",
    )
    .raw()
    .all()
}

/** Numbers of a snapshot's parents, nearest first. */
export function parentNumbersTopFirst(database: Database, key: string): number[] {
  return database
    .prepare<[string], { n: number }>(
      `WITH RECURSIVE chain(n, parent, depth) AS (
         SELECT n, parent, 0 FROM snapshot WHERE key = ?
         UNION ALL
         SELECT s.n, s.parent, chain.depth + 1 FROM snapshot s JOIN chain ON s.n = chain.parent)
       SELECT n FROM chain WHERE depth > 0 ORDER BY depth`,
    )
    .all(key)
    .map((row) => row.n)
}

/** @returns the new snapshot's number @throws ALREADY_EXISTS, NOT_FOUND, FAILED_PRECONDITION */
export function insertSnapshot(
  database: Database,
  snapshot: { key: string; parent: string | undefined; kind: SnapshotKind; labels: Labels },
): number {
  requireFreeKey(database, snapshot.key)
  const owner = selfAsOwner()
  const now = Date.now()
  const result = database
    .prepare(
      `INSERT INTO snapshot (key, parent, kind, labels, owner_pid, owner_start_ticks,
                             owner_boot_id, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      snapshot.key,
      snapshot.parent === undefined ? null : committedNumber(database, snapshot.parent),
      snapshot.kind,
      JSON.stringify(snapshot.labels),
      owner.pid,
      owner.startTicks,
      owner.bootId,
      now,
      now,
    )
  return Number(result.lastInsertRowid)
}

/** Turn the active snapshot `key` into the committed `name`. @throws ALREADY_EXISTS, NOT_FOUND, FAILED_PRECONDITION */
export function markCommitted(
  database: Database,
  change: {
    key: string
    name: string
    usage: SnapshotUsage
    parent?: string | undefined
    labels?: Labels | undefined
  },
): void {
  const snapshot = getSnapshot(database, change.key)
  if (snapshot.kind !== 'active') {
    const message = `snapshot ${change.key}: cannot commit a ${snapshot.kind} snapshot`
    throw new TsctrError('FAILED_PRECONDITION', message)
  }
  requireFreeKey(database, change.name)
  const parent = change.parent ?? snapshot.parent
  database
    .prepare(
      `UPDATE snapshot SET key = ?, kind = 'committed', parent = ?, labels = ?, size_bytes = ?,
                           inodes = ?, updated_at = ? WHERE n = ?`,
    )
    .run(
      change.name,
      parent === undefined ? null : committedNumber(database, parent),
      JSON.stringify(change.labels ?? snapshot.labels),
      change.usage.sizeBytes,
      change.usage.inodes,
      Date.now(),
      snapshot.number,
    )
}

/** Replace the labels. @throws NOT_FOUND */
export function setLabels(database: Database, key: string, labels: Labels): void {
  const result = database
    .prepare('UPDATE snapshot SET labels = ?, updated_at = ? WHERE key = ?')
    .run(JSON.stringify(labels), Date.now(), key)
  if (result.changes === 0) getSnapshot(database, key)
}

/** @returns the number of what was deleted @throws NOT_FOUND, FAILED_PRECONDITION if it has children */
export function deleteSnapshot(database: Database, key: string): number {
  const snapshot = getSnapshot(database, key)
  const child = database
    .prepare<[number], { key: string }>('SELECT key FROM snapshot WHERE parent = ?')
    .get(snapshot.number)
  if (child !== undefined) {
    throw new TsctrError('FAILED_PRECONDITION', `snapshot ${key}: is the parent of ${child.key}`)
  }
  database.prepare('DELETE FROM snapshot WHERE n = ?').run(snapshot.number)
  return snapshot.number
}

function requireFreeKey(database: Database, key: string): void {
  if (findSnapshot(database, key) !== undefined) {
    throw new TsctrError('ALREADY_EXISTS', `snapshot ${key}: already exists`)
  }
}

function committedNumber(database: Database, key: string): number {
  const snapshot = getSnapshot(database, key)
  if (snapshot.kind === 'committed') return snapshot.number
  throw new TsctrError('FAILED_PRECONDITION', `snapshot ${key}: is not committed`)
}

function toRecord(row: SnapshotRow): SnapshotInfo {
  return {
    number: row.n,
    key: row.key,
    parent: row.parent_key ?? undefined,
    kind: row.kind,
    labels: JSON.parse(row.labels) as Record<string, string>,
    usage:
      row.size_bytes === null || row.inodes === null
        ? undefined
        : { sizeBytes: row.size_bytes, inodes: row.inodes },
    owner: { pid: row.owner_pid, startTicks: row.owner_start_ticks, bootId: row.owner_boot_id },
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
