import type { Migration } from '../host/database.ts'

/**
 * Tables of networks. `network.applied` is the state of the host's firewall in which the network's
 * rules were seen in place (firewall-state.ts). An address is `preparing` while the process that
 * took it makes the container, `committed` once its owner is the container's own first process.
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
]
