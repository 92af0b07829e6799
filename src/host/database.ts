import Sqlite from 'better-sqlite3'
import { TsctrError } from '../errors.ts'
import { embeddedAddon } from './embedded-addon.ts'

export type Database = Sqlite.Database

/**
 * One step of the schema. Numbers are global and only grow; the folder that owns a table owns
 * its steps.
 */
export interface Migration {
  readonly version: number
  readonly sql: string
}

const busyTimeoutMs = 20_000

/**
 * Open the metadata database and bring its schema up to date.
 *
 * @param migrations  every step of every folder, in any order; several may share a version
 * @throws            FAILED_PRECONDITION if a newer program wrote the database: it is not touched
 */
export function openDatabase(path: string, migrations: readonly Migration[]): Database {
  const database = open(path)
  try {
    database.pragma('foreign_keys = ON')
    // A row deleted before its directory must be gone after a power loss too, so commits are synced.
    database.pragma('synchronous = FULL')
    migrate(database, path, migrations)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Run `body` as one write transaction. It has no `await`: better-sqlite3 is synchronous. */
export function writeTransaction<T>(database: Database, body: () => T): T {
  return database.transaction(body).immediate()
}

function open(path: string): Database {
  try {
    const addon = embeddedAddon('better_sqlite3.node')
    const database = new Sqlite(path, {
      timeout: busyTimeoutMs,
      ...(addon === undefined ? {} : { nativeBinding: addon as unknown as string }),
    })
    if (database.pragma('journal_mode', { simple: true }) !== 'wal') {
      database.pragma('journal_mode = WAL')
    }
    return database
  } catch (cause) {
    throw new TsctrError('FAILED_PRECONDITION', `${path}: ${(cause as Error).message}`, {
      cause,
      hint: 'check the owner and the free space of the data root',
    })
  }
}

function migrate(database: Database, path: string, migrations: readonly Migration[]): void {
  const newest = Math.max(0, ...migrations.map((step) => step.version))
  const versionOf = (): number => Number(database.pragma('user_version', { simple: true }))
  const found = versionOf()
  if (found > newest) {
    throw new TsctrError(
      'FAILED_PRECONDITION',
      `${path}: schema version ${found} is newer than this tsctr knows (${newest})`,
      { hint: 'use the tsctr that wrote it, or a newer one' },
    )
  }
  if (found === newest) return
  writeTransaction(database, () => {
    // Another process may have migrated while this one waited for the lock.
    const current = versionOf()
    const missing = migrations.filter((step) => step.version > current)
    for (const step of missing.sort((a, b) => a.version - b.version)) database.exec(step.sql)
    database.pragma(`user_version = ${newest}`)
  })
}
