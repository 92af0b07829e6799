import type { Migration } from '../host/database.ts'
import { snapshotMigrations } from '../snapshot/schema.ts'
import { storeMigrations } from '../store/schema.ts'

/** The schema: the steps of every folder that owns tables. */
export const migrations: readonly Migration[] = [...storeMigrations, ...snapshotMigrations]
