import type { Descriptor } from '../oci/descriptor.ts'
import type { Reference } from '../oci/reference.ts'
import type { OnProgress } from './progress.ts'
import type { ImageStores } from './stores.ts'
import { taskQueue } from './task-queue.ts'

export interface FetchRequest {
  readonly reference: Reference
  readonly config: Descriptor
  readonly layersBaseFirst: readonly Descriptor[]
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

/** Each promise resolves when its blob is in the store, whole and checked. */
export interface BlobFetches {
  readonly config: Promise<void>
  readonly layersBaseFirst: readonly Promise<void>[]
}

const maxConcurrentDownloads = 6

/** Fetch config and layers together, at most six at once; the first failure ends the others. */
export function fetchBlobs(stores: ImageStores, request: FetchRequest): BlobFetches {
  const failure = new AbortController()
  const signal =
    request.signal === undefined
      ? failure.signal
      : AbortSignal.any([request.signal, failure.signal])
  const enqueue = taskQueue(maxConcurrentDownloads)
  const started = new Map<string, Promise<void>>()
  const fetch = (descriptor: Descriptor, role: 'config' | 'layer'): Promise<void> => {
    // An image may list one layer twice.
    const known = started.get(descriptor.digest)
    if (known !== undefined) return known
    const fetched = enqueue(() => fetchBlob(stores, request, descriptor, role, signal)).catch(
      (error: unknown) => {
        failure.abort(error)
        throw error
      },
    )
    // Whoever awaits a later blob must not leave this one's failure unhandled.
    fetched.catch(() => {})
    started.set(descriptor.digest, fetched)
    return fetched
  }
  return {
    config: fetch(request.config, 'config'),
    layersBaseFirst: request.layersBaseFirst.map((layer) => fetch(layer, 'layer')),
  }
}

async function fetchBlob(
  stores: ImageStores,
  request: FetchRequest,
  descriptor: Descriptor,
  role: 'config' | 'layer',
  signal: AbortSignal,
): Promise<void> {
  const { digest, sizeBytes } = descriptor
  const report = (
    status: 'waiting' | 'exists' | 'downloading' | 'done',
    offsetBytes: number,
  ): void =>
    request.onProgress?.({
      kind: 'descriptor',
      role,
      digest,
      status,
      offsetBytes,
      totalBytes: sizeBytes,
    })
  report('waiting', 0)
  const outcome = await stores.content.ensureBlob(descriptor, {
    ref: `${role}-${digest}`,
    open: async (offsetBytes, openSignal) => {
      const registry = await stores.registry()
      return registry.openBlob(request.reference, descriptor, offsetBytes, openSignal)
    },
    onProgress: (offsetBytes) => report('downloading', offsetBytes),
    signal,
  })
  report(outcome === 'present' ? 'exists' : 'done', sizeBytes)
}
