import type { Database } from '../host/database.ts'
import type { Owner } from '../host/owner.ts'
import type { Protocol } from './protocol.ts'

/** A port of the host whose packets go to a container, as recorded. */
export interface PublishedPort {
  readonly protocol: Protocol
  /** `0.0.0.0` for every IPv4 address of the host. */
  readonly hostAddress: string
  readonly hostPort: number
  readonly containerId: string
  readonly containerPort: number
  /** The network through which the container is reached, and its address there. */
  readonly networkName: string
  readonly address: string
  /** As an endpoint's. */
  readonly state: 'preparing' | 'committed'
  readonly owner: Owner
}

interface PortRow {
  protocol: Protocol
  host_address: string
  host_port: number
  container_id: string
  container_port: number
  network: string
  address: string
  state: PublishedPort['state']
  owner_pid: number
  owner_start_ticks: number
  owner_boot_id: string
}

const inOrder = 'ORDER BY container_port, protocol, host_address, host_port'

/** Ports of a container, by their numbers in it. */
export function portsOf(database: Database, containerId: string): PublishedPort[] {
  return database
    .prepare<[string], PortRow>(`SELECT * FROM port WHERE container_id = ? ${inOrder}`)
    .all(containerId)
    .map(portOf)
}

/** Ports of all containers that are reached through a network. */
export function portsIn(database: Database, networkName: string): PublishedPort[] {
  return database
    .prepare<[string], PortRow>(`SELECT * FROM port WHERE network = ? ${inOrder}`)
    .all(networkName)
    .map(portOf)
}

/** Ports of every host address with this number. */
export function portsNumbered(
  database: Database,
  protocol: Protocol,
  hostPort: number,
): PublishedPort[] {
  return database
    .prepare<[string, number], PortRow>('SELECT * FROM port WHERE protocol = ? AND host_port = ?')
    .all(protocol, hostPort)
    .map(portOf)
}

export function insertPort(database: Database, port: PublishedPort): void {
  database
    .prepare(
      `INSERT INTO port (protocol, host_address, host_port, container_id, container_port, network,
                         address, state, owner_pid, owner_start_ticks, owner_boot_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      port.protocol,
      port.hostAddress,
      port.hostPort,
      port.containerId,
      port.containerPort,
      port.networkName,
      port.address,
      port.state,
      port.owner.pid,
      port.owner.startTicks,
      port.owner.bootId,
    )
}

/** From now on the ports live and die with `owner`, the container's first process. */
export function commitPorts(database: Database, containerId: string, owner: Owner): void {
  database
    .prepare(
      `UPDATE port
       SET state = 'committed', owner_pid = ?, owner_start_ticks = ?, owner_boot_id = ?
       WHERE container_id = ?`,
    )
    .run(owner.pid, owner.startTicks, owner.bootId, containerId)
}

/** Delete the record of this port, never of one that another container has taken since. */
export function deletePort(database: Database, port: PublishedPort): void {
  database
    .prepare(
      `DELETE FROM port
       WHERE protocol = ? AND host_address = ? AND host_port = ? AND container_id = ?`,
    )
    .run(port.protocol, port.hostAddress, port.hostPort, port.containerId)
}

function portOf(row: PortRow): PublishedPort {
  return {
    protocol: row.protocol,
    hostAddress: row.host_address,
    hostPort: row.host_port,
    containerId: row.container_id,
    containerPort: row.container_port,
    networkName: row.network,
    address: row.address,
    state: row.state,
    owner: {
      pid: row.owner_pid,
      startTicks: row.owner_start_ticks,
      bootId: row.owner_boot_id,
    },
  }
}
