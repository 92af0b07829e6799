import { randomUUID } from 'node:crypto'
import { type Database, unsyncedTransaction } from '../host/database.ts'
import { isAlive, type Owner, selfAsOwner } from '../host/owner.ts'

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

/** A lease as it is recorded, its process alive or not. */
export interface LeaseRecord {
  readonly id: string
  /** What it was taken for: `pull docker.io/library/redis:alpine`. */
  readonly purpose: string
  readonly owner: Owner
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
  readonly blobs: readonly string[]
  readonly snapshots: readonly string[]
}

interface LeaseRow {
  id: string
  labels: string
  owner_pid: number
  owner_start_ticks: number
  owner_boot_id: string
  created_at: number
  expires_at: number | null
}

/** Take a lease for this process. */
export function createLease(database: Database, purpose: string): Lease {
  const id = randomUUID()
  const owner = selfAsOwner()
  const labels = JSON.stringify({ purpose })
  const insert = database.prepare(
    `INSERT INTO lease (id, labels, owner_pid, owner_start_ticks, owner_boot_id, created_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
  )
  // A lease is worth nothing once its process is dead, so none is synced.
  unsyncedTransaction(database, () =>
    insert.run(id, labels, owner.pid, owner.startTicks, owner.bootId, Date.now()),
  )
  return {
    id,
    hold: (kind, ...resources) =>
      unsyncedTransaction(database, () => {
        const insert = database.prepare('INSERT OR IGNORE INTO lease_resource VALUES (?, ?, ?)')
        for (const resource of resources) insert.run(id, kind, resource)
      }),
    release: () =>
      unsyncedTransaction(
        database,
        () => void database.prepare('DELETE FROM lease WHERE id = ?').run(id),
      ),
  }
}

/**
 * Delete leases whose process is dead or whose time is over. Called inside gc's transaction.
 *
 * @returns  what was deleted
 */
export function dropDeadLeases(database: Database): LeaseRecord[] {
  const remove = database.prepare('DELETE FROM lease WHERE id = ?')
  const dead = deadLeases(database)
  for (const { id } of dead) remove.run(id)
  return dead
}

export function deadLeases(database: Database): LeaseRecord[] {
  return listLeases(database).filter((lease) => leaseState(lease) !== 'live')
}

/** Everything of one kind that a lease holds whose process lives. */
export function leasedResources(database: Database, kind: LeaseKind): Set<string> {
  const live = listLeases(database).filter((lease) => leaseState(lease) === 'live')
  return new Set(live.flatMap((lease) => (kind === 'blob' ? lease.blobs : lease.snapshots)))
}

/** What a lease is worth: only a live one keeps anything. */
export function leaseState({ owner, expiresAt }: LeaseRecord): 'live' | 'dead' | 'expired' {
  if (expiresAt !== undefined && expiresAt.getTime() <= Date.now()) return 'expired'
  return isAlive(owner) ? 'live' : 'dead'
}

/** All leases, oldest first. */
export function listLeases(database: Database): LeaseRecord[] {
  const held = database
    .prepare<[string, string], string>(
      'SELECT resource FROM lease_resource WHERE lease_id = ? AND kind = ? ORDER BY resource',
    )
    .pluck()
  return database
    .prepare<[], LeaseRow>('SELECT * FROM lease ORDER BY created_at, id')
    .all()
    .map((row) => ({
      id: row.id,
      purpose: (JSON.parse(row.labels) as { purpose?: string }).purpose ?? '',
      owner: { pid: row.owner_pid, startTicks: row.owner_start_ticks, bootId: row.owner_boot_id },
      createdAt: new Date(row.created_at),
      expiresAt: row.expires_at === null ? undefined : new Date(row.expires_at),
      blobs: held.all(row.id, 'blob'),
      snapshots: held.all(row.id, 'snapshot'),
    }))
}
