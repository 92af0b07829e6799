import { findNetwork } from '../network/networks.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { recordEvent } from '../store/events.ts'
import { asConfig } from './config.ts'
import { attachmentsOf } from './networks/attachments.ts'
import { recordNetworkEvent } from './networks/network-event.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Write to the journal that a container that is started is in its networks, and has its volumes.
 *
 * Source: moby daemon/container_operations.go, volume/service/service.go
 */
export function recordTaken(stores: ContainerStores, record: ContainerRecord): void {
  recordNetworks(stores, record, 'connect')
  for (const { name = '', target, isReadOnly } of volumesOf(record)) {
    recordVolume(stores, record, 'mount', name, {
      destination: target,
      driver: 'local',
      propagation: '',
      'read/write': String(!isReadOnly),
    })
  }
}

/** Write to the journal that what recordTaken spoke of is given back. */
export function recordGivenBack(stores: ContainerStores, record: ContainerRecord): void {
  recordNetworks(stores, record, 'disconnect')
  for (const { name = '' } of volumesOf(record)) {
    recordVolume(stores, record, 'unmount', name, { driver: 'local' })
  }
}

function recordNetworks(
  { database }: ContainerStores,
  { id, namespace, config }: ContainerRecord,
  action: 'connect' | 'disconnect',
): void {
  for (const { name } of attachmentsOf(asConfig(config))) {
    const network = findNetwork(database, name)
    if (network === undefined) continue
    recordNetworkEvent(database, namespace, { network, action, containerId: id })
  }
}

function volumesOf({ config }: ContainerRecord) {
  return asConfig(config).mounts.filter((mount) => mount.type === 'volume')
}

function recordVolume(
  { database }: ContainerStores,
  { id, namespace }: ContainerRecord,
  action: 'mount' | 'unmount',
  name: string,
  further: Readonly<Record<string, string>>,
): void {
  const attributes = { container: id, ...further }
  recordEvent(database, { namespace, type: 'volume', action, actorId: name, attributes })
}
