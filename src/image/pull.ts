import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Platform, platformRank } from '../oci/platform.ts'
import { canonicalName, type Reference } from '../oci/reference.ts'
import { getImage, putImage } from '../store/images.ts'
import { createLease, type Lease } from '../store/leases.ts'
import { ensureNamespace } from '../store/namespaces.ts'
import { type BlobFetcher, blobFetcher, type FetchOutcome } from './fetch-blobs.ts'
import { fetchEverything, fetchManifest } from './fetch-documents.ts'
import { recordImageEvent } from './image-event.ts'
import { localImages } from './local-images.ts'
import { namedError } from './named-error.ts'
import type { OnProgress } from './progress.ts'
import { type LocalImage, readSelected } from './read-image.ts'
import type { SelectedManifest } from './select-manifest.ts'
import type { ImageStores } from './stores.ts'
import { unpackImage } from './unpack.ts'

export interface PullRequest {
  readonly reference: Reference
  readonly platform: Platform
  /** Unpack the layers too; without it only the content is fetched. */
  readonly unpacks: boolean
  /** What else of the index to bring. */
  readonly others?: OtherPlatforms | undefined
  /** Transfers at once; six. */
  readonly maxDownloads?: number | undefined
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

export interface OtherPlatforms {
  /** `all` is everything the index leads to, attestations too; `platform` need not be in it then. */
  readonly platforms: readonly Platform[] | 'all'
  readonly unpacks: boolean
}

export interface PulledImage {
  /** Canonical name the image is now known by. */
  readonly name: string
  /** For the platform asked for; for another one only where all were, and nothing suits it. */
  readonly image: LocalImage
  /** Whether the name pointed at this very target before, and nothing of it was missing. */
  readonly wasUpToDate: boolean
}

/**
 * Bring an image from its registry into the store and name it.
 *
 * The name is written last, in one transaction: a pull that ends anywhere before leaves the old
 * image, or none, and downloads that the next pull goes on with. A lease that dies with the process
 * keeps gc away until then.
 *
 * @throws  what the registry client, the content store and the layer reader throw, with the name in
 *          front; `request.signal`'s reason
 */
export async function pullImage(stores: ImageStores, request: PullRequest): Promise<PulledImage> {
  const name = canonicalName(request.reference)
  const lease = createLease(stores.database, `pull ${name}`)
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(request.signal ? [request.signal] : [])])
  const { reference, maxDownloads, onProgress } = request
  const blobs = blobFetcher(stores, { reference, maxDownloads, onProgress, signal })
  const pull: Pull = { stores, request, lease, blobs, signal }
  try {
    const target = await resolveTarget(pull, name)
    const isAll = request.others?.platforms === 'all'
    const image = await (isAll ? bringAll(pull, target) : bringAsked(pull, target))
    const wasWhole = (await blobs.all()).every((outcome) => outcome === 'present')
    const wasNamed = nameTarget(stores, name, target)
    return { name, image, wasUpToDate: wasNamed && wasWhole }
  } catch (error) {
    stop.abort(error)
    // The lease ends and the database is closed next: nobody may still be writing then.
    await Promise.allSettled([blobs.all()])
    // Some of what was under way words an abort in its own way.
    throw namedError(name, request.signal?.aborted === true ? request.signal.reason : error)
  } finally {
    lease.release()
  }
}

/** One pull while it runs. */
interface Pull {
  readonly stores: ImageStores
  readonly request: PullRequest
  readonly lease: Lease
  readonly blobs: BlobFetcher
  readonly signal: AbortSignal
}

async function resolveTarget(
  { stores, request, lease, signal }: Pull,
  name: string,
): Promise<Descriptor> {
  request.onProgress?.({ kind: 'resolving', reference: name })
  const registry = await stores.registry()
  const { bytes, descriptor } = await registry.resolve(request.reference, signal)
  lease.hold('blob', descriptor.digest)
  stores.content.writeDocument(bytes, { mediaType: descriptor.mediaType })
  request.onProgress?.({ kind: 'resolved', reference: name })
  return descriptor
}

/** The platform asked for, and others by name. */
async function bringAsked(pull: Pull, target: Descriptor): Promise<LocalImage> {
  const { request, stores } = pull
  const others = request.others?.platforms ?? []
  const source = { ...pull, reference: request.reference, onProgress: request.onProgress }
  const manifests = new Map<string, SelectedManifest>()
  for (const platform of [request.platform, ...(others === 'all' ? [] : others)]) {
    const selected = await fetchManifest(stores, source, target, platform)
    const { digest } = selected.manifestDescriptor
    if (!manifests.has(digest)) manifests.set(digest, selected)
  }
  // All downloads are queued before the first image is unpacked.
  const started = [...manifests.values()].map((selected, index) => {
    const unpacks = index === 0 ? request.unpacks : (request.others?.unpacks ?? false)
    return { selected, unpacks, ...fetchBlobsOf(pull, selected, unpacks) }
  })
  const images: LocalImage[] = []
  for (const { selected, unpacks, config, layersReady } of started) {
    await config
    const image = readSelected(stores, target, selected)
    if (unpacks) await unpackOne(pull, image, layersReady)
    images.push(image)
  }
  return images[0] as LocalImage
}

function fetchBlobsOf(
  { blobs, lease }: Pull,
  { manifest }: SelectedManifest,
  unpacks: boolean,
): { config: Promise<FetchOutcome>; layersReady: Promise<FetchOutcome>[] } {
  const { config, layersBaseFirst } = manifest
  lease.hold('blob', ...[config, ...layersBaseFirst].map(({ digest }) => digest))
  return {
    config: blobs.fetch({ descriptor: config, role: 'config' }),
    layersReady: layersBaseFirst.map((descriptor) =>
      blobs.fetch({ descriptor, role: 'layer', unpacks }),
    ),
  }
}

/** Everything that the target leads to. */
async function bringAll(pull: Pull, target: Descriptor): Promise<LocalImage> {
  const { stores, request, blobs } = pull
  const source = { ...pull, reference: request.reference, onProgress: request.onProgress }
  await fetchEverything(stores, source, target)
  await blobs.all()
  const images = localImages(stores, target, request.platform)
  const [first] = images
  if (first === undefined) {
    throw new TsctrError('NOT_FOUND', `index ${target.digest}: it holds no images`)
  }
  for (const image of images) {
    const isAsked = platformRank(request.platform, image.config.platform) !== undefined
    const unpacks = image === first && isAsked ? request.unpacks : request.others?.unpacks
    if (unpacks !== true) continue
    const layersReady = image.manifest.layersBaseFirst.map(() =>
      Promise.resolve('present' as const),
    )
    await unpackOne(pull, image, layersReady)
  }
  return first
}

function unpackOne(
  { stores, request, lease, signal }: Pull,
  image: LocalImage,
  layersReady: readonly Promise<FetchOutcome>[],
): Promise<void> {
  const { onProgress } = request
  return unpackImage(stores, { image, layersReady, lease, onProgress, signal })
}

/** @returns  whether the name pointed at this very target before */
function nameTarget(stores: ImageStores, name: string, target: Descriptor): boolean {
  return writeTransaction(stores.database, () => {
    const old = getImage(stores.database, stores.namespace, name)
    ensureNamespace(stores.database, stores.namespace)
    putImage(stores.database, { namespace: stores.namespace, name, target })
    recordImageEvent(stores, 'pull', target.digest, name)
    return old?.target.digest === target.digest
  })
}
