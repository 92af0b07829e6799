import type { Database } from '../../host/database.ts'
import type { Network } from '../../network/networks.ts'
import { recordEvent } from '../../store/events.ts'

/** Write to the journal what happened to a network. @param action  in docker's words */
export function recordNetworkEvent(
  database: Database,
  namespace: string,
  {
    network,
    action,
    containerId,
  }: {
    readonly network: Pick<Network, 'id' | 'name' | 'driver'>
    readonly action: 'create' | 'connect' | 'disconnect' | 'destroy'
    readonly containerId?: string | undefined
  },
): void {
  const attributes = {
    ...(containerId === undefined ? {} : { container: containerId }),
    name: network.name,
    type: network.driver,
  }
  recordEvent(database, { namespace, type: 'network', action, actorId: network.id, attributes })
}
