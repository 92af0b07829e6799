import { TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { maxManifestBytes, parseChildren } from '../oci/image-manifest.ts'
import { isIndex, isManifest } from '../oci/media-type.ts'
import type { Platform } from '../oci/platform.ts'
import type { Reference } from '../oci/reference.ts'
import type { Lease } from '../store/leases.ts'
import type { BlobFetcher } from './fetch-blobs.ts'
import type { OnProgress } from './progress.ts'
import { readConfig, readDocument, type Target } from './read-image.ts'
import {
  maxDocuments,
  maxIndexDepth,
  type Question,
  type SelectedManifest,
  selectManifest,
} from './select-manifest.ts'
import type { ImageStores } from './stores.ts'

export interface DocumentSource {
  readonly reference: Reference
  readonly lease: Lease
  readonly blobs: BlobFetcher
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Store every document from a target down to the manifest for a platform.
 *
 * @throws  as selectManifest and the registry client
 */
export async function fetchManifest(
  stores: ImageStores,
  source: DocumentSource,
  target: Descriptor,
  platform: Platform,
): Promise<SelectedManifest> {
  const selection = selectManifest(target, platform)
  let step = selection.next()
  while (step.done !== true) {
    try {
      step = selection.next(await answer(stores, source, step.value))
    } catch (error) {
      step = selection.throw(error)
    }
  }
  return step.value
}

/**
 * Store every document that a target leads to, whatever it is about, and queue the blobs of each:
 * other platforms, attestations, what tools of the future add.
 *
 * @throws  INVALID_ARGUMENT for indexes nested too deep, or for too many documents
 */
export async function fetchEverything(
  stores: ImageStores,
  source: DocumentSource,
  target: Descriptor,
): Promise<void> {
  const seen = new Set<Digest>()
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (seen.has(descriptor.digest)) return
    if (depth > maxIndexDepth || seen.size === maxDocuments) {
      const message = `index ${target.digest}: nested too deep, or of more than ${maxDocuments} documents`
      throw new TsctrError('INVALID_ARGUMENT', message)
    }
    seen.add(descriptor.digest)
    await ensureDocument(stores, source, descriptor)
    if (!isIndex(descriptor.mediaType) && !isManifest(descriptor.mediaType)) return
    const children = childrenOf(stores, descriptor)
    if (isIndex(descriptor.mediaType)) {
      for (const child of children) await visit(child, depth + 1)
      return
    }
    source.lease.hold('blob', ...children.map(({ digest }) => digest))
    const [config, ...layers] = children
    if (config !== undefined) source.blobs.fetch({ descriptor: config, role: 'config' })
    for (const layer of layers) source.blobs.fetch({ descriptor: layer, role: 'layer' })
  }
  await visit(target, 0)
}

async function answer(
  stores: ImageStores,
  source: DocumentSource,
  question: Question,
): Promise<ReturnType<typeof readDocument> | Platform> {
  if (question.kind === 'document') {
    await ensureDocument(stores, source, question.descriptor)
    return readDocument(stores, question.descriptor)
  }
  const { manifest } = question
  source.lease.hold('blob', manifest.config.digest)
  await source.blobs.fetch({ descriptor: manifest.config, role: 'config' })
  return readConfig(stores, manifest).platform
}

async function ensureDocument(
  stores: ImageStores,
  source: DocumentSource,
  descriptor: Target & Pick<Descriptor, 'data'>,
): Promise<void> {
  const { digest, mediaType, sizeBytes } = descriptor
  source.signal?.throwIfAborted()
  source.lease.hold('blob', digest)
  if (stores.content.stat(digest) === undefined) {
    const bytes = descriptor.data ?? (await download(stores, source, descriptor))
    stores.content.writeDocument(bytes, { mediaType, expected: digest })
  }
  source.onProgress?.({
    kind: 'descriptor',
    role: isIndex(mediaType) ? 'index' : 'manifest',
    digest,
    status: 'done',
    offsetBytes: sizeBytes,
    totalBytes: sizeBytes,
  })
}

async function download(
  stores: ImageStores,
  { reference, signal }: DocumentSource,
  descriptor: Target,
): Promise<Buffer> {
  const registry = await stores.registry()
  return registry.fetchManifest(reference, descriptor, signal)
}

function childrenOf(stores: ImageStores, { digest, mediaType }: Target): Descriptor[] {
  const bytes = stores.content.readDocument(digest, maxManifestBytes)
  return parseChildren(bytes, mediaType, `manifest ${digest}`)
}
