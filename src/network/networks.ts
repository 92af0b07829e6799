import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'

/** How containers are plugged in: drivers.ts has what each of them does. */
export type NetworkDriver = 'bridge' | 'macvlan' | 'ipvlan' | 'cni'

export interface Network {
  readonly name: string
  /** 64 hex. */
  readonly id: string
  readonly driver: NetworkDriver
  /** The bridge's interface on the host, which its table of rules is named after too. */
  readonly bridgeName: string
  /** `10.1.2.0/24` */
  readonly subnet: string
  readonly gateway: string
  /** Part of the subnet that addresses are given out from; undefined: all of it. */
  readonly ipRange: string | undefined
  /** `fd00:1::/64`, of a network that carries IPv6 too. */
  readonly subnet6: string | undefined
  readonly gateway6: string | undefined
  readonly ipRange6: string | undefined
  /** Addresses in use by others than containers, by the names the user gave them. */
  readonly auxAddresses: Readonly<Record<string, string>>
  /** Cut off from everything but its own containers and the host. */
  readonly isInternal: boolean
  readonly mtu: number
  /** As typed: `com.docker.network.driver.mtu` … */
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** The address given out last: the search for the next begins after it. */
  readonly lastAddress: string | undefined
  readonly lastAddress6: string | undefined
  /** The state of the host's firewall in which the rules were seen in place. */
  readonly applied: string | undefined
  /** Of the rules as they were listed then: of their table, without elements. */
  readonly rulesDigest: string | undefined
  readonly createdAt: Date
}

interface NetworkRow {
  name: string
  id: string
  driver: NetworkDriver
  bridge_name: string
  subnet: string
  gateway: string
  ip_range: string | null
  subnet6: string | null
  gateway6: string | null
  ip_range6: string | null
  aux_addresses: string
  is_internal: number
  mtu: number
  options: string
  labels: string
  last_address: string | null
  last_address6: string | null
  applied: string | null
  rules_digest: string | null
  created_at: number
}

export function findNetwork(database: Database, name: string): Network | undefined {
  const row = database
    .prepare<[string], NetworkRow>('SELECT * FROM network WHERE name = ?')
    .get(name)
  return row === undefined ? undefined : networkOf(row)
}

/**
 * The network a user means: a name, an id, or an unambiguous start of an id, in this order.
 *
 * @throws  NOT_FOUND, or INVALID_ARGUMENT if several ids start so
 */
export function resolveNetwork(database: Database, nameOrId: string): Network {
  const byName = findNetwork(database, nameOrId)
  if (byName !== undefined) return byName
  const starting = /^[0-9a-f]+$/.test(nameOrId)
    ? listNetworks(database).filter(({ id }) => id.startsWith(nameOrId))
    : []
  const [first, second] = starting
  if (first === undefined) {
    throw new TsctrError('NOT_FOUND', `network ${nameOrId}: no such network`)
  }
  if (second !== undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `network ${nameOrId}: several ids start so`)
  }
  return first
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
      `INSERT INTO network (name, id, driver, bridge_name, subnet, gateway, ip_range, subnet6, gateway6,
                            ip_range6, aux_addresses, is_internal, mtu, options, labels,
                            last_address, last_address6, applied, rules_digest, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      network.name,
      network.id,
      network.driver,
      network.bridgeName,
      network.subnet,
      network.gateway,
      network.ipRange ?? null,
      network.subnet6 ?? null,
      network.gateway6 ?? null,
      network.ipRange6 ?? null,
      JSON.stringify(network.auxAddresses),
      Number(network.isInternal),
      network.mtu,
      JSON.stringify(network.options),
      JSON.stringify(network.labels),
      network.lastAddress ?? null,
      network.lastAddress6 ?? null,
      network.applied ?? null,
      network.rulesDigest ?? null,
      network.createdAt.getTime(),
    )
}

/** @throws  a constraint error while addresses of the network are taken */
export function deleteNetwork(database: Database, name: string): void {
  database.prepare('DELETE FROM network WHERE name = ?').run(name)
}

/** The rules of all networks that were seen in place in the state `before` are so in `after` too. */
export function recordFirewallState(database: Database, before: string, after: string): void {
  database.prepare('UPDATE network SET applied = ? WHERE applied = ?').run(after, before)
}

/** Record what a bridge was brought up with. */
export function recordBridge(
  database: Database,
  { name, subnet, gateway, mtu, applied, rulesDigest }: Network,
): void {
  database
    .prepare(
      `UPDATE network SET subnet = ?, gateway = ?, mtu = ?, applied = ?, rules_digest = ?
       WHERE name = ?`,
    )
    .run(subnet, gateway, mtu, applied ?? null, rulesDigest ?? null, name)
}

/** An address that is left out stays as it was. */
export function recordLastAddresses(
  database: Database,
  name: string,
  last: { readonly address?: string | undefined; readonly address6?: string | undefined },
): void {
  database
    .prepare(
      `UPDATE network SET last_address = coalesce(?, last_address),
                          last_address6 = coalesce(?, last_address6)
       WHERE name = ?`,
    )
    .run(last.address ?? null, last.address6 ?? null, name)
}

function networkOf(row: NetworkRow): Network {
  return {
    name: row.name,
    id: row.id,
    driver: row.driver,
    bridgeName: row.bridge_name,
    subnet: row.subnet,
    gateway: row.gateway,
    ipRange: row.ip_range ?? undefined,
    subnet6: row.subnet6 ?? undefined,
    gateway6: row.gateway6 ?? undefined,
    ipRange6: row.ip_range6 ?? undefined,
    auxAddresses: JSON.parse(row.aux_addresses) as Record<string, string>,
    isInternal: row.is_internal !== 0,
    mtu: row.mtu,
    options: JSON.parse(row.options) as Record<string, string>,
    labels: JSON.parse(row.labels) as Record<string, string>,
    lastAddress: row.last_address ?? undefined,
    lastAddress6: row.last_address6 ?? undefined,
    applied: row.applied ?? undefined,
    rulesDigest: row.rules_digest ?? undefined,
    createdAt: new Date(row.created_at),
  }
}
