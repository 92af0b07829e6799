import { hasCode } from '../../errors.ts'
import { endpointsIn } from '../../network/addresses.ts'
import { declareDefaultNetwork } from '../../network/default-network.ts'
import { defaultNetworkName, modeNetworkID } from '../../network/network-name.ts'
import { listNetworks, type Network, resolveNetwork } from '../../network/networks.ts'
import { type LabelFilter, passesLabelFilter } from '../../oci/label-filter.ts'
import { listContainers } from '../../store/containers.ts'
import { asConfig } from '../config.ts'
import { attachmentsOf } from './attachments.ts'
import type { NetworkStores } from './create-network.ts'

/** A network as `network ls` shows it: docker lists the modes `host` and `none` too. */
export type ListedNetwork = Pick<Network, 'id' | 'name' | 'labels' | 'isInternal' | 'createdAt'> & {
  readonly driver: Network['driver'] | 'host' | 'null'
}

/** One `--filter`, read. Those of one kind are alternatives, but labels must all be there. */
export type NetworkFilter =
  | LabelFilter
  | { readonly kind: 'driver' | 'id' | 'name' | 'scope'; readonly value: string }
  | { readonly kind: 'type'; readonly isCustom: boolean }
  /** Whether no running container is in it. */
  | { readonly kind: 'dangling'; readonly isWanted: boolean }
  | { readonly kind: 'until'; readonly moment: Date }

/** All networks by name. */
export async function listAllNetworks(
  stores: NetworkStores,
  filters: readonly NetworkFilter[],
): Promise<ListedNetwork[]> {
  await declareDefaultNetwork(stores.database, stores.dataRoot)
  const all = [...listNetworks(stores.database), ...modes(stores)]
  return all
    .filter((network) => passes(stores, network, filters))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * The network, or the mode, of a name or an id.
 *
 * @throws  NOT_FOUND
 */
export async function findListed(
  stores: NetworkStores,
  name: string,
): Promise<ListedNetwork | Network> {
  if (name === defaultNetworkName) return declareDefaultNetwork(stores.database, stores.dataRoot)
  try {
    return resolveNetwork(stores.database, name)
  } catch (error) {
    const mode = modes(stores).find((one) => one.name === name || one.id.startsWith(name))
    if (!hasCode(error, 'NOT_FOUND') || mode === undefined) throw error
    return mode
  }
}

export function isCustom({ name }: Pick<ListedNetwork, 'name'>): boolean {
  return !['bridge', 'host', 'none'].includes(name)
}

/** Names of the networks that some container, running or not, is to be in. */
export function wantedNetworks({ database }: Pick<NetworkStores, 'database'>): Set<string> {
  const configs = listContainers(database).map(({ config }) => asConfig(config))
  return new Set(configs.flatMap((config) => attachmentsOf(config).map(({ name }) => name)))
}

export function passes(
  stores: NetworkStores,
  network: ListedNetwork,
  filters: readonly NetworkFilter[],
): boolean {
  const kinds = new Set(filters.map(({ kind }) => kind))
  return [...kinds].every((kind) => {
    const ofKind = filters.filter((filter) => filter.kind === kind)
    const passesOne = (filter: NetworkFilter): boolean => passesFilter(stores, network, filter)
    return kind === 'label' || kind === 'label!' ? ofKind.every(passesOne) : ofKind.some(passesOne)
  })
}

function passesFilter(
  { database }: NetworkStores,
  network: ListedNetwork,
  filter: NetworkFilter,
): boolean {
  const { labels } = network
  switch (filter.kind) {
    case 'label':
    case 'label!':
      return passesLabelFilter(
        filter,
        Object.hasOwn(labels, filter.key) ? labels[filter.key] : undefined,
      )
    case 'driver':
      return network.driver === filter.value
    case 'scope':
      return filter.value === 'local'
    case 'id':
      return network.id.startsWith(filter.value)
    case 'name':
      return network.name.includes(filter.value)
    case 'type':
      return isCustom(network) === filter.isCustom
    case 'until':
      return network.createdAt < filter.moment
    case 'dangling': {
      const isUnused = isCustom(network) && endpointsIn(database, network.name).length === 0
      return isUnused === filter.isWanted
    }
  }
}

function modes({ dataRoot }: Pick<NetworkStores, 'dataRoot'>): ListedNetwork[] {
  const mode = (name: string, driver: 'host' | 'null'): ListedNetwork => ({
    id: modeNetworkID(dataRoot, name),
    name,
    driver,
    labels: {},
    isInternal: false,
    createdAt: new Date(0),
  })
  return [mode('host', 'host'), mode('none', 'null')]
}
