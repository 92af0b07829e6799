import { type Database, unsyncedTransaction } from '../host/database.ts'
import { bringUpBridge, checkBridge } from './bridge.ts'
import { firewallState, nftGeneration } from './firewall-state.ts'
import { lockHostNetwork } from './host-network-lock.ts'
import { isMissing, nftApply } from './network-programs.ts'
import { findNetwork, type Network, recordFirewallState } from './networks.ts'
import { deletePort, type PublishedPort } from './ports.ts'
import { portElements } from './ruleset.ts'

/**
 * Have the packets to recorded ports sent to their container. Done again, it changes nothing.
 *
 * @param ports  of one container
 */
export async function publishPorts(
  database: Database,
  ports: readonly PublishedPort[],
): Promise<void> {
  const [first] = ports
  if (first === undefined) return
  const lock = await lockHostNetwork()
  try {
    const network = findNetwork(database, first.networkName)
    if (network === undefined) throw new Error(`bug: network ${first.networkName} is gone`)
    const standing = await checkBridge(database, network)
    // The rules of a bridge are made with all that is recorded.
    if (standing === undefined || !(await addElements(database, network, ports))) {
      await bringUpBridge(database, network)
    }
  } finally {
    lock.release()
  }
}

/** Take ports back: no packet goes there any more, then they are free. Done again, it changes nothing. */
export async function releasePorts(
  database: Database,
  ports: readonly PublishedPort[],
): Promise<void> {
  if (ports.length === 0) return
  const lock = await lockHostNetwork()
  try {
    for (const networkName of new Set(ports.map((port) => port.networkName))) {
      const network = findNetwork(database, networkName)
      const own = ports.filter((port) => port.networkName === networkName)
      if (network !== undefined) await deleteElements(database, network, own)
    }
    unsyncedTransaction(database, () => {
      for (const port of ports) deletePort(database, port)
    })
  } finally {
    lock.release()
  }
}

/** @returns  false where the maps are not there: an older tsctr has made the rules */
async function addElements(
  database: Database,
  network: Network,
  ports: readonly PublishedPort[],
): Promise<boolean> {
  try {
    await changeElements(database, portElements('add', network, ports))
    return true
  } catch (error) {
    if (!isMissing(error)) throw error
    return false
  }
}

async function deleteElements(
  database: Database,
  network: Network,
  ports: readonly PublishedPort[],
): Promise<void> {
  // What is not there cannot be deleted, but can be added first.
  const commands = portElements('add', network, ports) + portElements('delete', network, ports)
  try {
    await changeElements(database, commands)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** Keep what is known of the networks' rules: it was this very change that made the firewall differ. */
async function changeElements(database: Database, commands: string): Promise<void> {
  const before = nftGeneration()
  await nftApply(commands)
  const after = nftGeneration()
  if (before === undefined || after !== before + 1) return
  recordFirewallState(database, firewallState(before) ?? '', firewallState(after) ?? '')
}
