import { contentMigrations } from '../content/schema.ts'
import type { Migration } from '../host/database.ts'
import { networkMigrations } from '../network/schema.ts'
import { snapshotMigrations } from '../snapshot/schema.ts'
import { storeMigrations } from '../store/schema.ts'

/** The schema: the steps of every folder that owns tables. */
export const migrations: readonly Migration[] = [
  ...storeMigrations,
  ...contentMigrations,
  ...snapshotMigrations,
  ...networkMigrations,
]
