import { TsctrError } from '../errors.ts'
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
 * @throws  what the registry client, the content store and the layer reader throw
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
    const old = getImage(stores.database, stores.namespace, name)
    ensureNamespace(stores.database, stores.namespace)
    putImage(stores.database, { namespace: stores.namespace, name, target })
    return { name, image, wasUpToDate: old?.target.digest === target.digest }
  } finally {
    lease.release()
  }
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
  const fetches = fetchBlobs(stores, {
    reference: request.reference,
    config: manifest.config,
    layersBaseFirst: manifest.layersBaseFirst,
    onProgress: request.onProgress,
    signal: request.signal,
  })
  await fetches.config
  const image = readImage(stores, target, request.platform)
  if (request.unpacks) {
    await unpackImage(stores, {
      image,
      layersReady: fetches.layersBaseFirst,
      lease,
      onProgress: request.onProgress,
      signal: request.signal,
    })
  }
  await Promise.all(fetches.layersBaseFirst)
  return image
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
