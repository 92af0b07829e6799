import type { Database } from '../host/database.ts'
import type { Owner } from '../host/owner.ts'
import { parseSubnet } from './ipv4.ts'
import { parseSubnet6 } from './ipv6.ts'
import type { NetworkDriver } from './networks.ts'

export interface Ipv6Place {
  readonly address: string
  readonly prefixLength: number
  /** Empty where the network has none. */
  readonly gateway: string
}

/** A container's place in a network, as recorded. */
export interface Endpoint {
  readonly networkName: string
  readonly driver: NetworkDriver
  /** The container's network namespace, where one of the drivers needs it to unplug it. */
  readonly netnsPath: string | undefined
  readonly containerId: string
  readonly address: string
  readonly prefixLength: number
  /** Empty where the network has none. */
  readonly gateway: string
  /** Of a network that carries IPv6 too. */
  readonly ipv6: Ipv6Place | undefined
  readonly macAddress: string
  /** In the container: `eth0` for its first network. */
  readonly interfaceName: string
  /** Names in this network besides the container's own. */
  readonly aliases: readonly string[]
  /** The other end, on the host. Never used again, so it names this endpoint for ever. */
  readonly hostInterface: string
  /** The container is being made by its owner; or it runs and the owner is its first process. */
  readonly state: 'preparing' | 'committed'
  readonly owner: Owner
}

interface AddressRow {
  netns: string | null
  driver: NetworkDriver
  network: string
  address: string
  address6: string | null
  container_id: string
  interface_name: string
  host_interface: string
  mac_address: string
  aliases: string
  state: Endpoint['state']
  owner_pid: number
  owner_start_ticks: number
  owner_boot_id: string
  subnet: string
  gateway: string
  subnet6: string | null
  gateway6: string | null
}

const selectRows = `SELECT address.*, driver, subnet, gateway, subnet6, gateway6
                    FROM address JOIN network ON network.name = address.network`

/** In the order of the container's interfaces. */
export function endpointsOf(database: Database, containerId: string): Endpoint[] {
  return database
    .prepare<[string], AddressRow>(`${selectRows} WHERE container_id = ? ORDER BY interface_name`)
    .all(containerId)
    .map(endpointOf)
}

/** Names of the networks that a container is in, in the same order. */
export function networksOf(database: Database, containerId: string): string[] {
  return endpointsOf(database, containerId).map(({ networkName }) => networkName)
}

/** As networksOf, of every container at once. */
export function networksByContainer(database: Database): ReadonlyMap<string, readonly string[]> {
  const networks = new Map<string, string[]>()
  const rows = database
    .prepare<[], Pick<AddressRow, 'container_id' | 'network'>>(
      'SELECT container_id, network FROM address ORDER BY interface_name',
    )
    .all()
  for (const { container_id, network } of rows) {
    networks.set(container_id, [...(networks.get(container_id) ?? []), network])
  }
  return networks
}

/** Endpoints of a network, in no order. */
export function endpointsIn(database: Database, networkName: string): Endpoint[] {
  return database
    .prepare<[string], AddressRow>(`${selectRows} WHERE address.network = ?`)
    .all(networkName)
    .map(endpointOf)
}

/** Endpoints that were being made, or belong to an earlier boot. */
export function unsettledEndpoints(database: Database, currentBootId: string): Endpoint[] {
  return database
    .prepare<[string], AddressRow>(`${selectRows} WHERE state = 'preparing' OR owner_boot_id <> ?`)
    .all(currentBootId)
    .map(endpointOf)
}

/** Addresses of a network that are taken, IPv4 and IPv6. */
export function addressesIn(database: Database, networkName: string): string[] {
  return database
    .prepare<[string], Pick<AddressRow, 'address' | 'address6'>>(
      'SELECT address, address6 FROM address WHERE network = ?',
    )
    .all(networkName)
    .flatMap(({ address, address6 }) => (address6 === null ? address : [address, address6]))
}

export function insertEndpoint(database: Database, endpoint: Endpoint): void {
  database
    .prepare(
      `INSERT INTO address (network, netns, address, address6, container_id, interface_name, host_interface,
                            mac_address, aliases, state, owner_pid, owner_start_ticks, owner_boot_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      endpoint.networkName,
      endpoint.netnsPath ?? null,
      endpoint.address,
      endpoint.ipv6?.address ?? null,
      endpoint.containerId,
      endpoint.interfaceName,
      endpoint.hostInterface,
      endpoint.macAddress,
      JSON.stringify(endpoint.aliases),
      endpoint.state,
      endpoint.owner.pid,
      endpoint.owner.startTicks,
      endpoint.owner.bootId,
    )
}

/** From now on the addresses live and die with `owner`, the container's first process. */
export function commitEndpoints(database: Database, containerId: string, owner: Owner): void {
  database
    .prepare(
      `UPDATE address
       SET state = 'committed', owner_pid = ?, owner_start_ticks = ?, owner_boot_id = ?
       WHERE container_id = ?`,
    )
    .run(owner.pid, owner.startTicks, owner.bootId, containerId)
}

/** Delete the record of this endpoint, never of one that has taken its address since. */
export function deleteEndpoint(database: Database, { hostInterface }: Endpoint): void {
  database.prepare('DELETE FROM address WHERE host_interface = ?').run(hostInterface)
}

function endpointOf(row: AddressRow): Endpoint {
  return {
    networkName: row.network,
    driver: row.driver,
    netnsPath: row.netns ?? undefined,
    containerId: row.container_id,
    address: row.address,
    prefixLength: parseSubnet(row.subnet).prefixLength,
    gateway: row.gateway,
    ipv6:
      row.address6 === null || row.subnet6 === null
        ? undefined
        : {
            address: row.address6,
            prefixLength: parseSubnet6(row.subnet6).prefixLength,
            gateway: row.gateway6 ?? '',
          },
    macAddress: row.mac_address,
    interfaceName: row.interface_name,
    hostInterface: row.host_interface,
    aliases: JSON.parse(row.aliases) as string[],
    state: row.state,
    owner: {
      pid: row.owner_pid,
      startTicks: row.owner_start_ticks,
      bootId: row.owner_boot_id,
    },
  }
}
