import type { Digest } from '../oci/digest.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import { mountedViews } from '../snapshot/mounted-views.ts'
import { listContainers } from '../store/containers.ts'
import { listImages } from '../store/images.ts'
import { leaseState, listLeases } from '../store/leases.ts'
import { type ReachabilityStores, TargetWalk } from './reachable.ts'

/** What needs a blob or a snapshot: images, containers, mounts and live leases by name, sorted. */
export interface Users {
  ofBlob(digest: Digest): readonly string[]
  ofSnapshot(key: string): readonly string[]
}

/** The namespace is the one whose things are named without it. */
export type UserStores = ReachabilityStores & { readonly namespace: string }

/** Find out who needs what, in all namespaces. */
export function findUsers(stores: ReachabilityStores & { readonly namespace: string }): Users {
  const blobUsers = new Map<string, Set<string>>()
  const snapshotUsers = new Map<string, Set<string>>()
  const collect = (user: string, visit: (walk: TargetWalk) => void): void => {
    const blobs = new Set<Digest>()
    const snapshots = new Set<string>()
    visit(new TargetWalk(stores.content, blobs, snapshots))
    for (const digest of blobs) addTo(blobUsers, digest, user)
    for (const key of snapshots) addTo(snapshotUsers, key, user)
  }
  const where = (namespace: string): string =>
    namespace === stores.namespace ? '' : ` (namespace ${namespace})`
  for (const { name, namespace, target } of listImages(stores.database)) {
    const user = `${familiarName(parseReference(name))}${where(namespace)}`
    collect(user, (walk) => walk.visit(target))
  }
  for (const container of listContainers(stores.database)) {
    const user = `${container.name}${where(container.namespace)}`
    collect(user, (walk) => walk.visitContainer(container))
  }
  const parentOf = new Map(stores.snapshots.walk().map(({ key, parent }) => [key, parent]))
  const addChain = (user: string, top: string): void => {
    for (let key: string | undefined = top; key !== undefined; key = parentOf.get(key)) {
      addTo(snapshotUsers, key, user)
    }
  }
  for (const { key, target, state } of mountedViews(stores.snapshots)) {
    if (state !== 'stale') addChain(`mount ${target}`, key)
  }
  for (const lease of listLeases(stores.database)) {
    if (leaseState(lease) !== 'live') continue
    const user = `${lease.purpose} (process ${lease.owner.pid})`
    for (const digest of lease.blobs) addTo(blobUsers, digest, user)
    for (const key of lease.snapshots) addChain(user, key)
  }
  return {
    ofBlob: (digest) => [...(blobUsers.get(digest) ?? [])].sort(),
    ofSnapshot: (key) => [...(snapshotUsers.get(key) ?? [])].sort(),
  }
}

function addTo(users: Map<string, Set<string>>, key: string, user: string): void {
  users.set(key, (users.get(key) ?? new Set()).add(user))
}
