import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { isIndex } from '../oci/media-type.ts'
import type { Platform } from '../oci/platform.ts'
import { canonicalName, type Reference } from '../oci/reference.ts'
import { getImage, putImage } from '../store/images.ts'
import { createLease, type Lease } from '../store/leases.ts'
import { ensureNamespace } from '../store/namespaces.ts'
import { choosePlatform } from './choose-platform.ts'
import { fetchBlobs } from './fetch-blobs.ts'
import type { OnProgress } from './progress.ts'
import {
  type LocalImage,
  maxIndexDepth,
  readDocument,
  readImage,
  resolveManifest,
} from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { unpackImage } from './unpack.ts'

export interface PullRequest {
  readonly reference: Reference
  readonly platform: Platform
  /** Unpack the layers too; without it only the content is fetched. */
  readonly unpacks: boolean
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

export interface PulledImage {
  /** Canonical name the image is now known by. */
  readonly name: string
  readonly image: LocalImage
  /** Whether the name pointed at this very target before. */
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
  try {
    request.onProgress?.({ kind: 'resolving', reference: name })
    const registry = await stores.registry()
    const resolved = await registry.resolve(request.reference, request.signal)
    const target = resolved.descriptor
    lease.hold('blob', target.digest)
    stores.content.writeDocument(resolved.bytes, { mediaType: target.mediaType })
    request.onProgress?.({ kind: 'resolved', reference: name })
    await fetchManifests(stores, request, target, lease)
    const image = await fetchAndUnpack(stores, request, target, lease)
    return { name, image, wasUpToDate: nameTarget(stores, name, target) }
  } catch (error) {
    // Some of what was under way words an abort in its own way.
    throw named(name, request.signal?.aborted === true ? request.signal.reason : error)
  } finally {
    lease.release()
  }
}

/** @returns  whether the name pointed at this very target before */
function nameTarget(stores: ImageStores, name: string, target: Descriptor): boolean {
  return writeTransaction(stores.database, () => {
    const old = getImage(stores.database, stores.namespace, name)
    ensureNamespace(stores.database, stores.namespace)
    putImage(stores.database, { namespace: stores.namespace, name, target })
    return old?.target.digest === target.digest
  })
}

function named(name: string, error: unknown): unknown {
  if (!(error instanceof TsctrError)) return error
  const { code, hint, exitCode } = error
  return new TsctrError(code, name, { cause: error, hint, exitCode })
}

/** Store every document from the target down to the manifest of the wanted platform. */
async function fetchManifests(
  stores: ImageStores,
  request: PullRequest,
  target: Descriptor,
  lease: Lease,
): Promise<void> {
  let descriptor = target
  for (let depth = 0; depth <= maxIndexDepth; depth += 1) {
    const document = readDocument(stores, descriptor)
    reportDone(request, descriptor)
    if (document.kind === 'manifest') return
    descriptor = choosePlatform(
      document.manifests,
      request.platform,
      canonicalName(request.reference),
    )
    lease.hold('blob', descriptor.digest)
    if (stores.content.stat(descriptor.digest) !== undefined) continue
    const registry = await stores.registry()
    const bytes = await registry.fetchManifest(request.reference, descriptor, request.signal)
    stores.content.writeDocument(bytes, {
      mediaType: descriptor.mediaType,
      expected: descriptor.digest,
    })
  }
  const message = `index ${target.digest}: nested deeper than ${maxIndexDepth}`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

async function fetchAndUnpack(
  stores: ImageStores,
  request: PullRequest,
  target: Descriptor,
  lease: Lease,
): Promise<LocalImage> {
  const { manifest } = resolveManifest(stores, target, request.platform)
  const blobs = [manifest.config, ...manifest.layersBaseFirst]
  lease.hold('blob', ...blobs.map((blob) => blob.digest))
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, ...(request.signal ? [request.signal] : [])])
  const { onProgress, unpacks } = request
  const fetches = fetchBlobs(stores, {
    reference: request.reference,
    config: manifest.config,
    layersBaseFirst: manifest.layersBaseFirst,
    unpacks,
    onProgress,
    signal,
  })
  const layersReady = fetches.layersBaseFirst
  try {
    await fetches.config
    const image = readImage(stores, target, request.platform)
    if (unpacks) await unpackImage(stores, { image, layersReady, lease, onProgress, signal })
    await Promise.all(layersReady)
    return image
  } catch (error) {
    stop.abort(error)
    // The lease ends and the database is closed next: nobody may still be writing then.
    await Promise.allSettled([fetches.config, ...layersReady])
    throw error
  }
}

function reportDone(request: PullRequest, descriptor: Descriptor): void {
  request.onProgress?.({
    kind: 'descriptor',
    role: isIndex(descriptor.mediaType) ? 'index' : 'manifest',
    digest: descriptor.digest,
    status: 'done',
    offsetBytes: descriptor.sizeBytes,
    totalBytes: descriptor.sizeBytes,
  })
}
