import { findNetwork } from '../network/networks.ts'
import { passesLabelFilter } from '../oci/label-filter.ts'
import {
  type ContainerRecord,
  findContainer,
  listActiveContainers,
  listContainers,
} from '../store/containers.ts'
import { asConfig } from './config.ts'
import type { ContainerFilter } from './container-filters.ts'
import { countsAsRunning, type DockerState, dockerState } from './docker-state.ts'
import { networkNames } from './networks/attachments.ts'
import { lacksHealthHelper, observe } from './observe.ts'
import type { ContainerStores } from './stores.ts'

export interface ListRequest {
  /** Else those that run, unless `last` or a filter for a status says otherwise. */
  readonly isAll: boolean
  /** The newest so many, whatever their state. */
  readonly last?: number | undefined
  readonly filters: readonly ContainerFilter[]
  /** Told what could not be brought up to date; the list says what is known all the same. */
  readonly onProblem: (error: unknown) => void
}

export interface ListedContainer {
  readonly record: ContainerRecord
  readonly state: DockerState
}

/**
 * The containers that `ps` shows, newest first, with states that are true now.
 *
 * @throws  NOT_FOUND if a filter names a container that is not there
 * Source: docker ps
 */
export async function listForPs(
  stores: ContainerStores,
  request: ListRequest,
): Promise<ListedContainer[]> {
  const last = request.last ?? 0
  // Filters may speak of containers that are not shown.
  const onlyActive = !request.isAll && last <= 0 && request.filters.length === 0
  const all = await trueRecords(stores, onlyActive, request.onProblem)
  const matches = await matcher(
    stores,
    request.filters,
    all.map(({ record }) => record),
  )
  const isAnyState =
    request.isAll || last > 0 || request.filters.some(({ kind }) => kind === 'status')
  const shown = all.filter(
    (container) => (isAnyState || countsAsRunning(container.state)) && matches(container),
  )
  return last > 0 ? shown.slice(0, last) : shown
}

async function trueRecords(
  stores: ContainerStores,
  onlyActive: boolean,
  onProblem: ListRequest['onProblem'],
): Promise<ListedContainer[]> {
  const list = onlyActive ? listActiveContainers : listContainers
  let records = list(stores.database, stores.namespace)
  let observations = records.map(observe)
  if (records.some(lacksHealthHelper) || observations.some(({ kind }) => kind === 'stale')) {
    // Rare, and what it takes to settle a container is most of the program.
    const { currentContainers } = await import('./settle.ts')
    try {
      records = await currentContainers(stores)
    } catch (error) {
      onProblem(error)
      records = list(stores.database, stores.namespace)
    }
    observations = records.map(observe)
  }
  return (
    records
      .map((record, index) => ({ record, state: dockerState(record, observations[index]) }))
      // One that is being made is not there yet.
      .filter(({ record }) => record.state !== 'creating')
  )
}

type Predicate = (container: ListedContainer) => boolean

/** Whether a container passes all kinds of filters. */
async function matcher(
  stores: ContainerStores,
  filters: readonly ContainerFilter[],
  newestFirst: readonly ContainerRecord[],
): Promise<Predicate> {
  const kinds = new Map<ContainerFilter['kind'], Predicate[]>()
  for (const filter of filters) {
    const predicate = await predicateOf(stores, filter, newestFirst)
    kinds.set(filter.kind, [...(kinds.get(filter.kind) ?? []), predicate])
  }
  return (container) =>
    [...kinds].every(([kind, predicates]) =>
      kind === 'label' || kind === 'label!'
        ? predicates.every((predicate) => predicate(container))
        : predicates.some((predicate) => predicate(container)),
    )
}

async function predicateOf(
  stores: ContainerStores,
  filter: ContainerFilter,
  newestFirst: readonly ContainerRecord[],
): Promise<Predicate> {
  switch (filter.kind) {
    case 'id':
      return ({ record }) => filter.matches(record.id)
    case 'name':
      // Docker's own names begin with a slash: `name=^/web$` is often seen.
      return ({ record }) => filter.matches(record.name) || filter.matches(`/${record.name}`)
    case 'label':
    case 'label!':
      return ({ record: { labels } }) =>
        passesLabelFilter(
          filter,
          Object.hasOwn(labels, filter.key) ? labels[filter.key] : undefined,
        )
    case 'until':
      return ({ record }) => record.createdAt < filter.moment
    case 'status':
      return ({ state }) => state === filter.state
    case 'exited':
      return ({ record, state }) => state === 'exited' && record.exitCode === filter.code
    case 'health':
      return ({ record }) => (record.health?.status ?? 'none') === filter.status
    case 'ancestor': {
      const { isDescendant } = await import('./ancestor.ts')
      return isDescendant(stores, filter.image)
    }
    case 'before':
    case 'since': {
      const { id } = findContainer(stores.database, stores.namespace, filter.container)
      const place = newestFirst.findIndex((record) => record.id === id)
      const ids = new Set(
        (filter.kind === 'before' ? newestFirst.slice(place + 1) : newestFirst.slice(0, place)).map(
          (record) => record.id,
        ),
      )
      return ({ record }) => ids.has(record.id)
    }
    case 'network':
      return ({ record }) => isInNetwork(stores, record, filter.network)
    case 'volume':
      return ({ record }) =>
        asConfig(record.config).mounts.some(
          (mount) =>
            mount.target === filter.place ||
            (mount.type === 'bind' && mount.source === filter.place) ||
            (mount.type === 'volume' && mount.name === filter.place),
        )
  }
}

function isInNetwork(stores: ContainerStores, record: ContainerRecord, text: string): boolean {
  const names = networkNames(asConfig(record.config))
  return names.some(
    (name) => name === text || findNetwork(stores.database, name)?.id.startsWith(text),
  )
}
