import { gcRootLabel } from '../content/label-blob.ts'
import type { ContentStore } from '../content/store.ts'
import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import type { Target } from '../image/read-image.ts'
import { chainIDs } from '../oci/chain-id.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import { maxConfigBytes, maxManifestBytes, parseChildren } from '../oci/image-manifest.ts'
import { isImageConfig, isIndex } from '../oci/media-type.ts'
import { mountedViews } from '../snapshot/mounted-views.ts'
import type { SnapshotInfo, Snapshotter } from '../snapshot/snapshotter.ts'
import { type ContainerRecord, listContainers } from '../store/containers.ts'
import { listImages } from '../store/images.ts'
import { leasedResources } from '../store/leases.ts'

/** What must stay. */
export interface Reachable {
  readonly blobs: ReadonlySet<Digest>
  /** Keys and names of snapshots, their parents too. */
  readonly snapshots: ReadonlySet<string>
}

export interface ReachabilityStores {
  readonly database: Database
  readonly content: ContentStore
  readonly snapshots: Snapshotter
}

/** What the names of images point at, in all namespaces. */
export function namedTargets(database: Database): Target[] {
  return listImages(database).map(({ target }) => target)
}

/**
 * Everything that a container, a mount, a live lease, a blob labelled as a root or one of the given
 * targets leads to.
 *
 * target → index, manifest → config, layers and chainIDs; container → its snapshot, the target and
 * config of its image.
 */
export function findReachable(stores: ReachabilityStores, targets: readonly Target[]): Reachable {
  const blobs = new Set<Digest>()
  const snapshots = new Set<string>(leasedResources(stores.database, 'snapshot'))
  const walk = new TargetWalk(stores.content, blobs, snapshots)
  for (const target of targets) walk.visit(target)
  for (const container of listContainers(stores.database)) walk.visitContainer(container)
  for (const { digest, mediaType = '', sizeBytes, labels } of stores.content.list()) {
    if (labels.has(gcRootLabel)) walk.visit({ digest, mediaType, sizeBytes })
  }
  for (const { key, state } of mountedViews(stores.snapshots)) {
    if (state !== 'stale') snapshots.add(key)
  }
  for (const digest of leasedResources(stores.database, 'blob')) blobs.add(parseDigest(digest))
  return { blobs, snapshots: withParents(stores.snapshots.walk(), snapshots) }
}

function withParents(all: readonly SnapshotInfo[], keys: ReadonlySet<string>): Set<string> {
  const parentOf = new Map(all.map((snapshot) => [snapshot.key, snapshot.parent]))
  const kept = new Set<string>()
  for (const key of keys) {
    for (
      let next: string | undefined = key;
      next !== undefined && !kept.has(next);
      next = parentOf.get(next)
    ) {
      kept.add(next)
    }
  }
  return kept
}

/** Walks from targets downwards; a document that is missing or damaged leads nowhere. */
export class TargetWalk {
  readonly #content: ContentStore
  readonly #blobs: Set<Digest>
  readonly #snapshots: Set<string>

  constructor(content: ContentStore, blobs: Set<Digest>, snapshots: Set<string>) {
    this.#content = content
    this.#blobs = blobs
    this.#snapshots = snapshots
  }

  visit(target: Target): void {
    if (this.#blobs.has(target.digest)) return
    this.#blobs.add(target.digest)
    if (this.#content.stat(target.digest) === undefined) return
    const children = this.#childrenOf(target)
    if (isIndex(target.mediaType)) {
      for (const entry of children) this.visit(entry)
      return
    }
    for (const { digest } of children) this.#blobs.add(digest)
    const config = children.find(({ mediaType }) => isImageConfig(mediaType))
    if (config !== undefined) this.#addChain(config.digest)
  }

  visitContainer(container: ContainerRecord): void {
    const { snapshotKey, imageConfigDigest, imageTargetDigest } = container
    if (snapshotKey !== undefined) this.#snapshots.add(snapshotKey)
    if (imageConfigDigest !== undefined) this.#blobs.add(parseDigest(imageConfigDigest))
    if (imageTargetDigest === undefined) return
    const blob = this.#content.stat(parseDigest(imageTargetDigest))
    if (blob?.mediaType === undefined) return
    const { digest, mediaType, sizeBytes } = blob
    this.visit({ digest, mediaType, sizeBytes })
  }

  /** Not of images alone: attestations and artifacts of an index are kept with it. */
  #childrenOf({ digest, mediaType }: Target): Descriptor[] {
    try {
      const bytes = this.#content.readDocument(digest, maxManifestBytes)
      return parseChildren(bytes, mediaType, `manifest ${digest}`)
    } catch (error) {
      if (error instanceof TsctrError) return []
      throw error
    }
  }

  #addChain(config: Digest): void {
    try {
      const bytes = this.#content.readDocument(config, maxConfigBytes)
      const { diffIDs } = parseImageConfig(bytes, `config ${config}`)
      if (diffIDs.length === 0) return
      for (const chainID of chainIDs(diffIDs)) this.#snapshots.add(chainID)
    } catch (error) {
      if (!(error instanceof TsctrError)) throw error
    }
  }
}
