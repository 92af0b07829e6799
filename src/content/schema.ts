import type { Migration } from '../host/database.ts'

/** A blob row is written after its file; an ingest row while the ingest's lock is held. */
export const contentMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE blob (
        digest TEXT PRIMARY KEY,
        size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
        media_type TEXT,
        labels TEXT NOT NULL DEFAULT '{}',
        created_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE ingest (
        key TEXT PRIMARY KEY,
        ref TEXT NOT NULL,
        digest TEXT,
        total_bytes INTEGER,
        owner_pid INTEGER NOT NULL,
        owner_start_ticks INTEGER NOT NULL,
        owner_boot_id TEXT NOT NULL,
        started_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
]
