import type { Migration } from '../host/database.ts'

/** Tables of names and records: namespaces, images, containers, leases, events, volumes, health. */
export const storeMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE namespace (
        name TEXT PRIMARY KEY,
        labels TEXT NOT NULL DEFAULT '{}',
        created_at INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE image (
        namespace TEXT NOT NULL REFERENCES namespace(name),
        name TEXT NOT NULL,
        target_media_type TEXT NOT NULL,
        target_digest TEXT NOT NULL,
        target_size_bytes INTEGER NOT NULL,
        labels TEXT NOT NULL DEFAULT '{}',
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        last_used_at INTEGER NOT NULL,
        PRIMARY KEY (namespace, name)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX image_target ON image(target_digest);

      CREATE TABLE container (
        id TEXT PRIMARY KEY,
        namespace TEXT NOT NULL REFERENCES namespace(name),
        name TEXT NOT NULL,
        image_name TEXT NOT NULL,
        image_target_digest TEXT,
        image_config_digest TEXT,
        config TEXT NOT NULL,
        labels TEXT NOT NULL DEFAULT '{}',
        snapshotter TEXT NOT NULL,
        snapshot_key TEXT,
        runtime_name TEXT NOT NULL,
        runtime_path TEXT NOT NULL,
        state TEXT NOT NULL
          CHECK (state IN ('creating', 'created', 'starting', 'running', 'exited', 'removing')),
        pid INTEGER,
        pid_start_ticks INTEGER,
        monitor_pid INTEGER,
        monitor_start_ticks INTEGER,
        boot_id TEXT,
        exit_code INTEGER,
        error TEXT NOT NULL DEFAULT '',
        owner_pid INTEGER,
        owner_start_ticks INTEGER,
        owner_boot_id TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        started_at INTEGER,
        finished_at INTEGER,
        UNIQUE (namespace, name)
      ) STRICT;
      CREATE INDEX container_image ON container(image_target_digest);

      CREATE TABLE lease (
        id TEXT PRIMARY KEY,
        labels TEXT NOT NULL DEFAULT '{}',
        owner_pid INTEGER NOT NULL,
        owner_start_ticks INTEGER NOT NULL,
        owner_boot_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER
      ) STRICT;

      CREATE TABLE lease_resource (
        lease_id TEXT NOT NULL REFERENCES lease(id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('blob', 'snapshot')),
        resource TEXT NOT NULL,
        PRIMARY KEY (lease_id, kind, resource)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 2,
    sql: `
      CREATE TABLE document_facts (
        digest TEXT PRIMARY KEY REFERENCES blob(digest) ON DELETE CASCADE,
        config TEXT,
        facts TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 3,
    sql: `
      CREATE TABLE event (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        namespace TEXT NOT NULL,
        type TEXT NOT NULL,
        action TEXT NOT NULL,
        actor_id TEXT NOT NULL,
        attributes TEXT NOT NULL,
        time_us INTEGER NOT NULL
      ) STRICT;
    `,
  },
  {
    version: 4,
    sql: `
      ALTER TABLE container ADD COLUMN restart_count INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE container ADD COLUMN restart_delay_ms INTEGER;
      ALTER TABLE container ADD COLUMN restart_at INTEGER;
      ALTER TABLE container ADD COLUMN is_stop_requested INTEGER NOT NULL DEFAULT 0;
    `,
  },
  {
    version: 5,
    sql: `
      CREATE TABLE volume (
        name TEXT PRIMARY KEY,
        driver TEXT NOT NULL,
        options TEXT NOT NULL DEFAULT '{}',
        labels TEXT NOT NULL DEFAULT '{}',
        is_anonymous INTEGER NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE volume_user (
        volume TEXT NOT NULL REFERENCES volume(name),
        container_id TEXT NOT NULL REFERENCES container(id) ON DELETE CASCADE,
        PRIMARY KEY (volume, container_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX volume_user_container ON volume_user(container_id);
    `,
  },
  {
    version: 7,
    sql: `
      ALTER TABLE container ADD COLUMN health_status TEXT
        CHECK (health_status IN ('starting', 'healthy', 'unhealthy'));
      ALTER TABLE container ADD COLUMN health_failing_streak INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE container ADD COLUMN health_helper_pid INTEGER;
      ALTER TABLE container ADD COLUMN health_helper_start_ticks INTEGER;

      CREATE TABLE health_result (
        container_id TEXT NOT NULL REFERENCES container(id) ON DELETE CASCADE,
        started_at_us INTEGER NOT NULL,
        ended_at_us INTEGER NOT NULL,
        exit_code INTEGER NOT NULL,
        output TEXT NOT NULL,
        PRIMARY KEY (container_id, started_at_us)
      ) STRICT, WITHOUT ROWID;
    `,
  },
]
