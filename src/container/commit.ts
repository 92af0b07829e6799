import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import { applyConfigChanges, type ConfigChange, type ConfigPart } from '../image/config-change.ts'
import { deriveConfig } from '../image/derive-config.ts'
import { recordImageEvent } from '../image/image-event.ts'
import { inspectHealthcheck } from '../image/inspect-healthcheck.ts'
import { localImages } from '../image/local-images.ts'
import { nameImages } from '../image/name-images.ts'
import { type LocalImage, readImage } from '../image/read-image.ts'
import { snapshotLayerFiles } from '../image/snapshot-changes.ts'
import { unpackImage } from '../image/unpack.ts'
import { hasLayers } from '../image/unpack-local.ts'
import { writeImage } from '../image/write-image.ts'
import { type WrittenLayer, writeLayer } from '../image/write-layer.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import { maxConfigBytes } from '../oci/image-manifest.ts'
import { field, type JsonObject, parseJsonObject } from '../oci/json-document.ts'
import type { ImageFormat, LayerCompression } from '../oci/media-type.ts'
import { canonicalName, familiarName, type Reference } from '../oci/reference.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { createLease, type Lease } from '../store/leases.ts'
import { recordContainerEvent } from './container-event.ts'
import { effectiveConfig } from './effective-config.ts'
import { withContainerLock } from './lock.ts'
import { filesWithoutPlaceholders } from './placeholders.ts'
import { settled } from './settled.ts'
import type { ContainerStores } from './stores.ts'
import { whilePaused } from './while-paused.ts'

export interface CommitRequest {
  /** A name, an id or a start of one. */
  readonly name: string
  /** undefined: the image is kept without a name. */
  readonly reference: Reference | undefined
  readonly author?: string | undefined
  readonly message?: string | undefined
  readonly changes: readonly ConfigChange[]
  /** Freeze the container while its files are read. */
  readonly pauses: boolean
  readonly format: ImageFormat
  readonly compression: LayerCompression
  readonly signal?: AbortSignal | undefined
}

/**
 * Make an image of what a container has written on its own.
 *
 * @returns  the image's id
 * @throws   NOT_FOUND, FAILED_PRECONDITION for a container without an image, as layerFiles
 */
export async function commitContainer(
  stores: ContainerStores,
  request: CommitRequest,
): Promise<Digest> {
  const { id } = await settled(stores, request.name)
  return withContainerLock(stores, id, async (record) => {
    const lease = createLease(stores.database, `commit ${id}`)
    try {
      return await commitLocked(stores, record, request, lease)
    } finally {
      lease.release()
    }
  })
}

async function commitLocked(
  stores: ContainerStores,
  record: ContainerRecord,
  request: CommitRequest,
  lease: Lease,
): Promise<Digest> {
  const base = imageOf(stores, record)
  const { layersBaseFirst } = base.manifest
  lease.hold('blob', ...layersBaseFirst.map(({ digest }) => digest))
  const layer = await writeOwnLayer(stores, record, request, lease)
  const config = committedConfig(stores, { record, base, request, layer })
  const layers = layer === undefined ? layersBaseFirst : [...layersBaseFirst, layer.descriptor]
  const { format, signal } = request
  const target = writeImage(stores, { config, layersBaseFirst: layers, format }, lease)
  const image = readImage(stores, target, base.config.platform)
  const layersReady = layers.map(() => Promise.resolve('present' as const))
  await unpackImage(stores, { image, layersReady, lease, signal })
  signal?.throwIfAborted()
  const references = request.reference === undefined ? [] : [request.reference]
  const imageID = image.manifest.config.digest
  writeTransaction(stores.database, () => {
    nameImages(stores, [{ target, references }])
    for (const reference of references) {
      recordImageEvent(stores, 'tag', target.digest, canonicalName(reference))
    }
    const imageRef = references.map(familiarName).join()
    const attributes = { comment: request.message ?? '', imageID, imageRef }
    recordContainerEvent(stores.database, record, 'commit', attributes)
  })
  return imageID
}

/** The image that a container was made from, as far as its layers. */
function imageOf(stores: ContainerStores, record: ContainerRecord): LocalImage {
  const what = `container ${record.name}`
  const { imageTargetDigest, imageConfigDigest, snapshotKey } = record
  if (imageTargetDigest === undefined || snapshotKey === undefined) {
    throw new TsctrError('FAILED_PRECONDITION', `${what}: has no image that it could be added to`, {
      hint: `tar -C ROOTFS -c . | tsctr import -`,
    })
  }
  const blob = stores.content.stat(parseDigest(imageTargetDigest))
  const target = blob && { ...blob, mediaType: blob.mediaType ?? '' }
  const platform = { os: 'linux', architecture: '' }
  const image =
    target &&
    localImages(stores, target, platform).find(
      ({ manifest }) => manifest.config.digest === imageConfigDigest,
    )
  if (image !== undefined && hasLayers(stores, image)) return image
  throw new TsctrError('FAILED_PRECONDITION', `${what}: its image is not here as a whole`, {
    hint: `tsctr pull ${record.imageName}`,
  })
}

function writeOwnLayer(
  stores: ContainerStores,
  record: ContainerRecord,
  request: CommitRequest,
  lease: Lease,
): Promise<WrittenLayer | undefined> {
  const { compression, format, signal } = request
  const key = record.snapshotKey ?? ''
  const snapshots = stores.snapshotter(record.snapshotter)
  const write = (): Promise<WrittenLayer | undefined> => {
    const view = { database: stores.database, snapshots }
    const files = filesWithoutPlaceholders(view, key, snapshotLayerFiles(view, key))
    return writeLayer(stores, files, { compression, format, lease, signal })
  }
  return request.pauses ? whilePaused(stores, record, write) : write()
}

/** The image's config with what the container was told over it, then the changes asked for. */
function committedConfig(
  stores: ContainerStores,
  made: {
    readonly record: ContainerRecord
    readonly base: LocalImage
    readonly request: CommitRequest
    readonly layer: WrittenLayer | undefined
  },
): Buffer {
  const { record, base, request, layer } = made
  const { digest } = base.manifest.config
  const document = parseJsonObject(
    stores.content.readDocument(digest, maxConfigBytes),
    `config ${digest}`,
  )
  const own = ownPart(document, record, base)
  return deriveConfig(document, {
    config: applyConfigChanges(own, request.changes),
    platform: base.config.platform,
    diffIDsBelow: base.config.diffIDs,
    diffID: layer?.diffID,
    story: {
      created: new Date(),
      author: request.author,
      comment: request.message,
      createdBy: (own.Cmd ?? []).join(' '),
    },
  })
}

function ownPart(document: JsonObject, record: ContainerRecord, base: LocalImage): ConfigPart {
  const { user, env, entrypoint, cmd, workingDir, labels, stopSignal, healthcheck } =
    effectiveConfig(record, base.config.process)
  const before = (field(document, 'config') ?? {}) as ConfigPart
  const optional: Record<string, unknown> = {
    User: user === '' ? undefined : user,
    WorkingDir: workingDir === '' ? undefined : workingDir,
    Labels: Object.keys(labels).length === 0 ? undefined : labels,
    StopSignal: stopSignal,
    Entrypoint: entrypoint?.length === 0 ? undefined : entrypoint,
    Healthcheck: healthcheck === undefined ? undefined : inspectHealthcheck(healthcheck),
  }
  return { ...before, ...optional, Env: env, Cmd: cmd ?? null }
}
