import type { Migration } from '../host/database.ts'

/**
 * Tables of networks. `network.applied` is the state of the host's firewall in which the network's
 * rules were seen in place (firewall-state.ts), `rules_digest` what they were then. An address is `preparing` while the process that
 * took it makes the container, `committed` once its owner is the container's own first process.
 * So is a port; it names the container's address that its packets are sent to.
 */
export const networkMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE network (
        name TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        driver TEXT NOT NULL,
        bridge_name TEXT NOT NULL UNIQUE,
        subnet TEXT NOT NULL,
        gateway TEXT NOT NULL,
        mtu INTEGER NOT NULL,
        options TEXT NOT NULL DEFAULT '{}',
        labels TEXT NOT NULL DEFAULT '{}',
        last_address TEXT,
        applied TEXT,
        created_at INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE address (
        network TEXT NOT NULL REFERENCES network(name),
        address TEXT NOT NULL,
        container_id TEXT NOT NULL,
        interface_name TEXT NOT NULL,
        host_interface TEXT NOT NULL UNIQUE,
        mac_address TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('preparing', 'committed')),
        owner_pid INTEGER NOT NULL,
        owner_start_ticks INTEGER NOT NULL,
        owner_boot_id TEXT NOT NULL,
        PRIMARY KEY (network, address),
        UNIQUE (network, container_id),
        UNIQUE (container_id, interface_name)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 6,
    sql: `
      ALTER TABLE network ADD COLUMN ip_range TEXT;
      ALTER TABLE network ADD COLUMN aux_addresses TEXT NOT NULL DEFAULT '{}';
      ALTER TABLE network ADD COLUMN is_internal INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE address ADD COLUMN aliases TEXT NOT NULL DEFAULT '[]';

      CREATE TABLE port (
        protocol TEXT NOT NULL CHECK (protocol IN ('tcp', 'udp', 'sctp')),
        host_address TEXT NOT NULL,
        host_port INTEGER NOT NULL,
        container_id TEXT NOT NULL,
        container_port INTEGER NOT NULL,
        network TEXT NOT NULL REFERENCES network(name),
        address TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('preparing', 'committed')),
        owner_pid INTEGER NOT NULL,
        owner_start_ticks INTEGER NOT NULL,
        owner_boot_id TEXT NOT NULL,
        PRIMARY KEY (protocol, host_address, host_port)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX port_container ON port(container_id);
    `,
  },
  {
    version: 8,
    sql: `
      ALTER TABLE network ADD COLUMN subnet6 TEXT;
      ALTER TABLE network ADD COLUMN gateway6 TEXT;
      ALTER TABLE network ADD COLUMN ip_range6 TEXT;
      ALTER TABLE network ADD COLUMN last_address6 TEXT;
      ALTER TABLE address ADD COLUMN address6 TEXT;
      ALTER TABLE address ADD COLUMN netns TEXT;
      ALTER TABLE address ADD COLUMN plugins TEXT;
      CREATE UNIQUE INDEX address6 ON address(network, address6);
    `,
  },
  {
    version: 9,
    sql: 'ALTER TABLE network ADD COLUMN rules_digest TEXT;',
  },
]
