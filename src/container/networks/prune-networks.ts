import { hasCode } from '../../errors.ts'
import type { NetworkStores } from './create-network.ts'
import { isCustom, listAllNetworks, type NetworkFilter, wantedNetworks } from './list-networks.ts'
import { removeNetwork } from './remove-network.ts'

/**
 * Remove the networks that no container is to be in, whether it runs or not.
 *
 * @returns  their names
 * Source: docker network prune
 */
export async function pruneNetworks(
  stores: NetworkStores,
  filters: readonly NetworkFilter[],
): Promise<string[]> {
  const wanted = wantedNetworks(stores)
  const removed: string[] = []
  for (const network of await listAllNetworks(stores, filters)) {
    if (!isCustom(network) || wanted.has(network.name)) continue
    try {
      await removeNetwork(stores, network.name)
      removed.push(network.name)
    } catch (error) {
      // Taken into use or removed by others meanwhile.
      if (!hasCode(error, 'FAILED_PRECONDITION') && !hasCode(error, 'NOT_FOUND')) throw error
    }
  }
  return removed
}
