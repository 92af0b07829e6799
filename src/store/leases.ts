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
export function dropDeadLeases(database: Database, now: Date): void {
  const remove = database.prepare('DELETE FROM lease WHERE id = ?')
  for (const row of database.prepare<[], LeaseRow>('SELECT * FROM lease').all()) {
    const owner = {
      pid: row.owner_pid,
      startTicks: row.owner_start_ticks,
      bootId: row.owner_boot_id,
    }
    const isExpired = row.expires_at !== null && row.expires_at <= now.getTime()
    if (isExpired || !isAlive(owner)) remove.run(row.id)
  }
}

/** Everything of one kind that some lease holds. */
export function leasedResources(database: Database, kind: LeaseKind): Set<string> {
  const rows = database
    .prepare<[string], { resource: string }>(
      'SELECT DISTINCT resource FROM lease_resource WHERE kind = ?',
    )
    .all(kind)
  return new Set(rows.map((row) => row.resource))
}
