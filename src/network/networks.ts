import type { Database } from '../host/database.ts'

export interface Network {
  readonly name: string
  /** 64 hex. */
  readonly id: string
  readonly driver: 'bridge'
  /** The bridge's interface on the host, which its table of rules is named after too. */
  readonly bridgeName: string
  /** `10.1.2.0/24` */
  readonly subnet: string
  readonly gateway: string
  readonly mtu: number
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** The address given out last: the search for the next begins after it. */
  readonly lastAddress: string | undefined
  /** The state of the host's firewall in which the rules were seen in place. */
  readonly applied: string | undefined
  readonly createdAt: Date
}

interface NetworkRow {
  name: string
  id: string
  driver: 'bridge'
  bridge_name: string
  subnet: string
  gateway: string
  mtu: number
  options: string
  labels: string
  last_address: string | null
  applied: string | null
  created_at: number
}

export function findNetwork(database: Database, name: string): Network | undefined {
  const row = database
    .prepare<[string], NetworkRow>('SELECT * FROM network WHERE name = ?')
    .get(name)
  return row === undefined ? undefined : networkOf(row)
}

/** By name. */
export function listNetworks(database: Database): Network[] {
  return database
    .prepare<[], NetworkRow>('SELECT * FROM network ORDER BY name')
    .all()
    .map(networkOf)
}

export function insertNetwork(database: Database, network: Network): void {
  database
    .prepare(
      `INSERT INTO network (name, id, driver, bridge_name, subnet, gateway, mtu, options, labels,
                            last_address, applied, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      network.name,
      network.id,
      network.driver,
      network.bridgeName,
      network.subnet,
      network.gateway,
      network.mtu,
      JSON.stringify(network.options),
      JSON.stringify(network.labels),
      network.lastAddress ?? null,
      network.applied ?? null,
      network.createdAt.getTime(),
    )
}

/** Record what a bridge was brought up with. */
export function recordBridge(
  database: Database,
  { name, subnet, gateway, mtu, applied }: Network,
): void {
  database
    .prepare('UPDATE network SET subnet = ?, gateway = ?, mtu = ?, applied = ? WHERE name = ?')
    .run(subnet, gateway, mtu, applied ?? null, name)
}

export function recordLastAddress(database: Database, name: string, address: string): void {
  database.prepare('UPDATE network SET last_address = ? WHERE name = ?').run(address, name)
}

function networkOf(row: NetworkRow): Network {
  return {
    name: row.name,
    id: row.id,
    driver: row.driver,
    bridgeName: row.bridge_name,
    subnet: row.subnet,
    gateway: row.gateway,
    mtu: row.mtu,
    options: JSON.parse(row.options) as Record<string, string>,
    labels: JSON.parse(row.labels) as Record<string, string>,
    lastAddress: row.last_address ?? undefined,
    applied: row.applied ?? undefined,
    createdAt: new Date(row.created_at),
  }
}
