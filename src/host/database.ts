import { closeSync, existsSync, openSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { TsctrError } from '../errors.ts'
import { embeddedAddon } from './embedded-addon.ts'
import { traced } from './trace.ts'

export type Database = Sqlite.Database

/**
 * One step of the schema. Numbers are global and only grow; the folder that owns a table owns
 * its steps.
 */
export interface Migration {
  readonly version: number
  readonly sql: string
}

/**
 * SQLite's waiters ask again and again, and the last to come is as likely to be next as the first:
 * among 50 processes on a busy machine one waited more than 20 s, each of the others for ms.
 */
const busyTimeoutMs = 180_000
/** SQLite's name for a database that no file holds. */
const inMemory = ':memory:'

/**
 * Open the metadata database and bring its schema up to date.
 *
 * @param migrations  every step of every folder, in any order; several may share a version
 * @throws            FAILED_PRECONDITION if a newer program wrote the database: it is not touched
 */
export function openDatabase(path: string, migrations: readonly Migration[]): Database {
  const database = open(path)
  try {
    const newest = Math.max(0, ...migrations.map((step) => step.version))
    const found = describingFailure(path, () => whenFree(() => schemaVersion(database)))
    // Before anything that writes: a change of the journal mode would.
    refuseNewer(path, found, newest)
    describingFailure(path, () => whenFree(() => useWriteAheadLog(database)))
    database.pragma('foreign_keys = ON')
    // A row deleted before its directory must be gone after a power loss too, so commits are synced.
    database.pragma('synchronous = FULL')
    if (found < newest) migrate(database, path, migrations)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Run `body` as one write transaction. It has no `await`: better-sqlite3 is synchronous. */
export function writeTransaction<T>(database: Database, body: () => T): T {
  return traced('write to the database', () => database.transaction(body).immediate())
}

/**
 * As writeTransaction, for what need not survive a power loss, because the next synced transaction
 * says the same or more, or because it speaks of processes. It survives any kill; after a power loss
 * the database is as after some earlier transaction.
 *
 * Source: sqlite.org/pragma.html#pragma_synchronous, NORMAL with a write-ahead log
 */
export function unsyncedTransaction<T>(database: Database, body: () => T): T {
  // Inside another transaction it is that one which is synced, or not.
  if (database.inTransaction) return body()
  database.pragma('synchronous = NORMAL')
  try {
    return writeTransaction(database, body)
  } finally {
    database.pragma('synchronous = FULL')
  }
}

function open(path: string): Database {
  return describingFailure(path, () => {
    // SQLite would leave it readable to all; its other files take their mode from this one.
    if (path !== inMemory && !existsSync(path)) closeSync(openSync(path, 'a', 0o600))
    const addon = embeddedAddon('better_sqlite3.node')
    return new Sqlite(path, {
      timeout: busyTimeoutMs,
      ...(addon === undefined ? {} : { nativeBinding: addon as unknown as string }),
    })
  })
}

/**
 * SQLite does not wait where that could be for ever, as when two processes would change the journal
 * mode: one of them is to try again.
 */
function whenFree<T>(action: () => T): T {
  const endMs = Date.now() + busyTimeoutMs
  for (;;) {
    try {
      return action()
    } catch (error) {
      const isBusy = error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')
      if (!isBusy || Date.now() > endMs) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

/** What fails here is the file itself, which is the user's to repair. */
function describingFailure<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (cause) {
    throw new TsctrError('FAILED_PRECONDITION', `${path}: ${(cause as Error).message}`, {
      cause,
      hint: 'check the owner and the free space of the data root',
    })
  }
}

function useWriteAheadLog(database: Database): void {
  if (database.pragma('journal_mode', { simple: true }) === 'wal') return
  database.pragma('journal_mode = WAL')
}

function schemaVersion(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }))
}

function refuseNewer(path: string, found: number, newest: number): void {
  if (found <= newest) return
  throw new TsctrError(
    'FAILED_PRECONDITION',
    `${path}: schema version ${found} is newer than this tsctr knows (${newest})`,
    { hint: 'use the tsctr that wrote it, or a newer one' },
  )
}

function migrate(database: Database, path: string, migrations: readonly Migration[]): void {
  const ordered = migrations.toSorted((a, b) => a.version - b.version)
  writeTransaction(database, () => {
    // Another process may have migrated while this one waited for the lock.
    const current = schemaVersion(database)
    refuseNewer(path, current, ordered.at(-1)?.version ?? 0)
    for (const { sql, version } of ordered) {
      if (version <= current) continue
      database.exec(sql)
      database.pragma(`user_version = ${version}`)
    }
  })
}
