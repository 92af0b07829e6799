import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import { syncFilesystemOf } from '../host/durable.ts'
import { isAlive } from '../host/owner.ts'
import type { AppliedLayer } from '../layer/apply-layer.ts'
import { settleLayer } from '../layer/settle-layer.ts'
import { chainIDs } from '../oci/chain-id.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { ChainID, DiffID } from '../oci/digest.ts'
import { recordedMetadata, recordMetadata } from '../snapshot/recorded-metadata.ts'
import type { SnapshotUsage } from '../snapshot/snapshotter.ts'
import type { Lease } from '../store/leases.ts'
import type { FetchOutcome } from './fetch-blobs.ts'
import { ownership } from './ownership.ts'
import type { OnProgress } from './progress.ts'
import type { LocalImage } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { taskQueue } from './task-queue.ts'
import { applyLayerApart } from './unpack-worker.ts'

export interface UnpackRequest {
  readonly image: LocalImage
  /** Resolved when the layer's blob is in the store; base first. */
  readonly layersReady: readonly Promise<FetchOutcome>[]
  readonly lease: Lease
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

interface LayerToUnpack {
  readonly index: number
  readonly descriptor: Descriptor
  readonly diffID: DiffID
  readonly chainID: ChainID
  readonly parentChainID: ChainID | undefined
  readonly ready: Promise<FetchOutcome>
  /** Key of the active snapshot it is unpacked into. */
  readonly key: string
}

/**
 * Unpack an image's layers into snapshots committed under their chainIDs.
 *
 * Snapshots that are there are used; a layer that another process unpacks is waited for. Layers are
 * unpacked side by side, each into its own snapshot as soon as its blob is here, then settled on
 * what lies below them and committed, base first, after one sync.
 *
 * @throws  DIGEST_MISMATCH if a layer is not what the config says; nothing of it is left
 */
export async function unpackImage(stores: ImageStores, request: UnpackRequest): Promise<void> {
  const layers = layersOf(request)
  request.lease.hold('snapshot', ...layers.flatMap((layer) => [layer.chainID, layer.key]))
  const claimed: LayerToUnpack[] = []
  try {
    for (const layer of layers) {
      if (await claimLayer(stores, layer, request.signal)) claimed.push(layer)
    }
    if (claimed.length > 0) await unpackClaimed(stores, request, claimed)
    for (const layer of layers) {
      // Its snapshot was there and its blob was not: fetching it was all there was to do.
      const isUnclaimed = !claimed.includes(layer)
      if (isUnclaimed && (await layer.ready) === 'fetched') report(request, layer, 'done')
    }
  } catch (error) {
    for (const layer of claimed.toReversed()) dropClaim(stores, layer.key)
    throw error
  }
}

function layersOf({ image, layersReady }: UnpackRequest): LayerToUnpack[] {
  const { layersBaseFirst } = image.manifest
  const { diffIDs } = image.config
  if (diffIDs.length !== layersBaseFirst.length) {
    const message = `config ${image.manifest.config.digest}: ${diffIDs.length} diff_ids for ${layersBaseFirst.length} layers`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  if (diffIDs.length === 0) return []
  const chain = chainIDs(diffIDs)
  return chain.map((chainID, index) => ({
    index,
    descriptor: layersBaseFirst[index] as Descriptor,
    diffID: diffIDs[index] as DiffID,
    chainID,
    parentChainID: chain[index - 1],
    ready: layersReady[index] as Promise<FetchOutcome>,
    key: `extract ${chainID}`,
  }))
}

/**
 * Become the one who unpacks a layer. The key says which layer it is, so its row is the lock: it
 * is free again when its owner is dead.
 *
 * @returns  false if the snapshot is there, perhaps after waiting for another process
 */
async function claimLayer(
  stores: ImageStores,
  layer: LayerToUnpack,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (let waitMs = 10; ; waitMs = Math.min(waitMs * 2, 200)) {
    if (hasSnapshot(stores, layer.chainID)) return false
    try {
      stores.snapshots.prepare(layer.key, undefined, { 'image.layer': layer.descriptor.digest })
      if (!hasSnapshot(stores, layer.chainID)) return true
      dropClaim(stores, layer.key)
      return false
    } catch (error) {
      if (!hasCode(error, 'ALREADY_EXISTS')) throw error
    }
    if (dropDeadClaim(stores, layer.key)) continue
    await delay(waitMs, undefined, signal === undefined ? {} : { signal })
  }
}

/**
 * Take the claim of a dead process away. Looking and deleting are one transaction: of several that
 * wait, the second must not take away what the first has just claimed.
 *
 * @returns  false if its owner lives
 */
function dropDeadClaim(stores: ImageStores, key: string): boolean {
  const isFree = writeTransaction(stores.database, () => {
    const claim = stores.snapshots.walk().find((snapshot) => snapshot.key === key)
    if (claim === undefined) return true
    if (isAlive(claim.owner)) return false
    stores.snapshots.forget(key)
    return true
  })
  if (isFree) stores.snapshots.cleanup()
  return isFree
}

function hasSnapshot(stores: ImageStores, key: string): boolean {
  try {
    stores.snapshots.stat(key)
    return true
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return false
    throw error
  }
}

function dropClaim(stores: ImageStores, key: string): void {
  try {
    stores.snapshots.remove(key)
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
  }
}

async function unpackClaimed(
  stores: ImageStores,
  request: UnpackRequest,
  claimed: readonly LayerToUnpack[],
): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(request.signal ? [request.signal] : [])])
  const enqueue = taskQueue(Math.max(1, availableParallelism()))
  const applied = claimed.map(async (layer) => {
    await unlessAborted(layer.ready, signal)
    return enqueue(() => applyOne(stores, request, layer, signal))
  })
  // One that fails while an earlier one is awaited is awaited in its turn.
  for (const each of applied) each.catch(() => {})
  const usages: SnapshotUsage[] = []
  try {
    for (const [index, layer] of claimed.entries()) {
      usages.push(settleOne(stores, layer, claimed, (await applied[index]) as AppliedLayer))
    }
  } catch (error) {
    stop.abort(error)
    // The directories are removed next: nobody may still be writing into them.
    await Promise.allSettled(applied)
    throw error
  }
  const [first] = claimed
  if (first !== undefined) syncFilesystemOf(directoryOf(stores, first.key))
  for (const [index, layer] of claimed.entries()) {
    stores.snapshots.commit(layer.chainID, layer.key, {
      usage: usages[index] as SnapshotUsage,
      ...(layer.parentChainID === undefined ? {} : { parent: layer.parentChainID }),
      isSynced: true,
    })
    report(request, layer, 'done')
  }
}

/** A blob that is no longer wanted may take long to come. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  })
}

async function applyOne(
  stores: ImageStores,
  request: UnpackRequest,
  layer: LayerToUnpack,
  signal: AbortSignal,
): Promise<AppliedLayer> {
  report(request, layer, 'unpacking')
  const count = request.image.manifest.layersBaseFirst.length
  const where = `layer ${layer.index + 1} of ${count}`
  let applied: AppliedLayer
  try {
    applied = await applyLayerApart(
      {
        blobPath: stores.content.blobPath(layer.descriptor.digest),
        root: directoryOf(stores, layer.key),
        ownership: ownership(),
      },
      layer.descriptor.sizeBytes,
      signal,
    )
  } catch (cause) {
    if (!(cause instanceof TsctrError)) throw cause
    throw new TsctrError(cause.code, where, { cause, hint: cause.hint })
  }
  if (applied.diffID === layer.diffID) return applied
  const message = `${where}: expected diffID ${layer.diffID}, got ${applied.diffID}`
  throw new TsctrError('DIGEST_MISMATCH', message)
}

/** Fit a layer to the ones below it; they are all settled by now. */
function settleOne(
  stores: ImageStores,
  layer: LayerToUnpack,
  claimed: readonly LayerToUnpack[],
  applied: AppliedLayer,
): SnapshotUsage {
  const { snapshots, database } = stores
  const lowerKeys = lowerKeysTopFirst(stores, layer, claimed)
  const settled = settleLayer({
    root: directoryOf(stores, layer.key),
    lowerdirsTopFirst: lowerKeys.map((key) => directoryOf(stores, key)),
    unsettled: applied.unsettled,
    ownership: ownership(),
    recordedTopFirst: lowerKeys.map((key) =>
      recordedMetadata(database, snapshots.stat(key).number),
    ),
  })
  const ofFirstPass = settled.replacesRecorded ? [] : applied.recorded
  const { number } = snapshots.stat(layer.key)
  recordMetadata(database, number, [...ofFirstPass, ...settled.recorded])
  return {
    sizeBytes: applied.sizeBytes + settled.addedSizeBytes,
    inodes: applied.inodes + settled.addedInodes,
  }
}

/** Keys of the snapshots below a layer: those of this unpacking, then those that were there. */
function lowerKeysTopFirst(
  stores: ImageStores,
  layer: LayerToUnpack,
  claimed: readonly LayerToUnpack[],
): string[] {
  const below = claimed.filter((other) => other.index < layer.index).toReversed()
  const keys = below.map((other) => other.key)
  let parent: string | undefined = (below.at(-1) ?? layer).parentChainID
  while (parent !== undefined) {
    keys.push(parent)
    parent = stores.snapshots.stat(parent).parent
  }
  return keys
}

function directoryOf(stores: ImageStores, key: string): string {
  const [own] = stores.snapshots.directoriesTopFirst(key)
  if (own === undefined) throw new Error(`bug: snapshot ${key} has no directory`)
  return own
}

function report(request: UnpackRequest, layer: LayerToUnpack, status: 'unpacking' | 'done'): void {
  request.onProgress?.({
    kind: 'descriptor',
    role: 'layer',
    digest: layer.descriptor.digest,
    status,
    offsetBytes: layer.descriptor.sizeBytes,
    totalBytes: layer.descriptor.sizeBytes,
  })
}
