import { randomUUID } from 'node:crypto'
import { type Database, writeTransaction } from '../host/database.ts'
import { isAlive, selfAsOwner } from '../host/owner.ts'

/** Keeps what it holds from gc for as long as the process that made it lives. */
export interface Lease {
  readonly id: string
  /**
   * Hold blobs (digests) or snapshots (keys). Hold first, look whether it is there second: gc
   * deletes rows in one transaction with reading the leases.
   */
  hold(kind: LeaseKind, ...resources: readonly string[]): void
  release(): void
}

export type LeaseKind = 'blob' | 'snapshot'

interface LeaseRow {
  id: string
  owner_pid: number
  owner_start_ticks: number
  owner_boot_id: string
  expires_at: number | null
}

/** Take a lease for this process. */
export function createLease(database: Database, purpose: string): Lease {
  const id = randomUUID()
  const owner = selfAsOwner()
  database
    .prepare(
      `INSERT INTO lease (id, labels, owner_pid, owner_start_ticks, owner_boot_id, created_at)
       VALUES (?, ?, ?, ?, ?, ?)`,
    )
    .run(id, JSON.stringify({ purpose }), owner.pid, owner.startTicks, owner.bootId, Date.now())
  return {
    id,
    hold: (kind, ...resources) =>
      writeTransaction(database, () => {
        const insert = database.prepare('INSERT OR IGNORE INTO lease_resource VALUES (?, ?, ?)')
        for (const resource of resources) insert.run(id, kind, resource)
      }),
    release: () => void database.prepare('DELETE FROM lease WHERE id = ?').run(id),
  }
}

/** Delete leases whose process is dead or whose time is over. Called inside gc's transaction. */
export function dropDeadLeases(database: Database): void {
  const now = new Date()
  const remove = database.prepare('DELETE FROM lease WHERE id = ?')
  for (const row of listLeases(database)) if (!isLive(row, now)) remove.run(row.id)
}

/** Everything of one kind that a lease holds whose process lives. */
export function leasedResources(database: Database, kind: LeaseKind): Set<string> {
  const now = new Date()
  const held = database
    .prepare<[string, string], string>(
      'SELECT resource FROM lease_resource WHERE lease_id = ? AND kind = ?',
    )
    .pluck()
  return new Set(
    listLeases(database)
      .filter((row) => isLive(row, now))
      .flatMap((row) => held.all(row.id, kind)),
  )
}

function listLeases(database: Database): LeaseRow[] {
  return database.prepare<[], LeaseRow>('SELECT * FROM lease').all()
}

function isLive(row: LeaseRow, now: Date): boolean {
  if (row.expires_at !== null && row.expires_at <= now.getTime()) return false
  return isAlive({
    pid: row.owner_pid,
    startTicks: row.owner_start_ticks,
    bootId: row.owner_boot_id,
  })
}
