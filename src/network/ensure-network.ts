import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import { bringUpBridge, checkBridge, isBridgeSet, isBridgeUp } from './bridge.ts'
import { ensureDefaultNetwork } from './default-network.ts'
import { hasLegacyFilter } from './firewall-state.ts'
import { acceptInLegacyChain } from './foreign-chains.ts'
import { lockHostNetwork } from './host-network-lock.ts'
import { defaultNetworkName } from './network-name.ts'
import { findNetwork, type Network } from './networks.ts'
import { requireParent } from './sub-interface.ts'

/**
 * A network with its bridge up and its rules in place, as ensureDefaultNetwork, which makes the
 * default one where it is missing.
 *
 * @throws  NOT_FOUND
 */
export async function ensureNetwork(
  database: Database,
  name: string,
  { dataRoot }: { readonly dataRoot: string },
): Promise<Network> {
  if (name === defaultNetworkName) return ensureDefaultNetwork(database, { dataRoot })
  const known = requireNetwork(database, name)
  if (known.driver !== 'bridge') {
    requireParent(known)
    return known
  }
  if (isBridgeUp(known)) {
    if (hasLegacyFilter()) await acceptInLegacyChain(known.bridgeName)
    return known
  }
  const lock = await lockHostNetwork()
  try {
    const found = requireNetwork(database, name)
    return (await checkBridge(database, found)) ?? (await bringUpBridge(database, found))
  } finally {
    lock.release()
  }
}

/** As ensureNetwork, for a caller that does so later: it is enough if the bridge is there. */
export async function ensureBridge(
  database: Database,
  name: string,
  options: { readonly dataRoot: string },
): Promise<Network> {
  const known = findNetwork(database, name)
  if (known?.driver === 'bridge' && isBridgeSet(known)) return known
  return ensureNetwork(database, name, options)
}

function requireNetwork(database: Database, name: string): Network {
  const network = findNetwork(database, name)
  if (network !== undefined) return network
  throw new TsctrError('NOT_FOUND', `network ${name}: no such network`, {
    hint: `tsctr network create ${name}`,
  })
}
