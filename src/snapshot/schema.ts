import type { Migration } from '../host/database.ts'

/** One row a snapshot; `recorded_metadata` is what an unprivileged unpack could not apply to files. */
export const snapshotMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE snapshot (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        parent INTEGER REFERENCES snapshot(n),
        kind TEXT NOT NULL CHECK (kind IN ('active', 'view', 'committed')),
        labels TEXT NOT NULL DEFAULT '{}',
        size_bytes INTEGER,
        inodes INTEGER,
        owner_pid INTEGER NOT NULL,
        owner_start_ticks INTEGER NOT NULL,
        owner_boot_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX snapshot_parent ON snapshot(parent);

      CREATE TABLE recorded_metadata (
        n INTEGER NOT NULL REFERENCES snapshot(n) ON DELETE CASCADE,
        path BLOB NOT NULL,
        uid INTEGER NOT NULL,
        gid INTEGER NOT NULL,
        mode INTEGER NOT NULL,
        rdev INTEGER NOT NULL,
        xattrs TEXT NOT NULL,
        PRIMARY KEY (n, path)
      ) STRICT, WITHOUT ROWID;
    `,
  },
]
