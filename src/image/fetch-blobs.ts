import type { Descriptor } from '../oci/descriptor.ts'
import type { Reference } from '../oci/reference.ts'
import type { DescriptorStatus, OnProgress } from './progress.ts'
import type { ImageStores } from './stores.ts'
import { taskQueue } from './task-queue.ts'

/** Whether a blob was here before, or had to be fetched. */
export type FetchOutcome = 'present' | 'fetched'

export interface FetchRequest {
  readonly reference: Reference
  readonly config: Descriptor
  readonly layersBaseFirst: readonly Descriptor[]
  /** Layers are unpacked next: what is said of them goes on then. */
  readonly unpacks: boolean
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

/** Each promise resolves when its blob is in the store, whole and checked. */
export interface BlobFetches {
  readonly config: Promise<FetchOutcome>
  readonly layersBaseFirst: readonly Promise<FetchOutcome>[]
}

const maxConcurrentDownloads = 6

/**
 * Fetch config and layers together, at most six at once. The first failure ends the others, and is
 * what each of them then throws.
 */
export function fetchBlobs(stores: ImageStores, request: FetchRequest): BlobFetches {
  const failure = new AbortController()
  const signal =
    request.signal === undefined
      ? failure.signal
      : AbortSignal.any([request.signal, failure.signal])
  const enqueue = taskQueue(maxConcurrentDownloads)
  const started = new Map<string, Promise<FetchOutcome>>()
  const fetch = (descriptor: Descriptor, role: Role): Promise<FetchOutcome> => {
    // An image may list one layer twice.
    const known = started.get(descriptor.digest)
    if (known !== undefined) return known
    const report = reporter(request, descriptor, role)
    report('waiting', 0)
    const task = (): Promise<FetchOutcome> =>
      fetchBlob(stores, { request, descriptor, role, report, signal })
    const fetched = enqueue(task).catch((error: unknown) => {
      failure.abort(request.signal?.aborted === true ? request.signal.reason : error)
      throw failure.signal.reason
    })
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

type Role = 'config' | 'layer'
type Report = (status: DescriptorStatus, offsetBytes: number) => void

interface BlobTask {
  readonly request: FetchRequest
  readonly descriptor: Descriptor
  readonly role: Role
  readonly report: Report
  readonly signal: AbortSignal
}

async function fetchBlob(
  stores: ImageStores,
  { request, descriptor, role, report, signal }: BlobTask,
): Promise<FetchOutcome> {
  // What waits in the queue when another blob fails is not begun.
  signal.throwIfAborted()
  const { sizeBytes } = descriptor
  const outcome = await stores.content.ensureBlob(descriptor, {
    ref: `${role}-${descriptor.digest}`,
    open: async (offsetBytes, openSignal) => {
      const registry = await stores.registry()
      return registry.openBlob(request.reference, descriptor, offsetBytes, openSignal)
    },
    // With its last byte a blob is written to the disk for good and compared with its digest.
    onProgress: (offsetBytes) =>
      report(offsetBytes === sizeBytes ? 'verifying' : 'downloading', offsetBytes),
    signal,
  })
  if (outcome === 'present') report('exists', sizeBytes)
  else report(role === 'layer' && request.unpacks ? 'downloaded' : 'done', sizeBytes)
  return outcome
}

function reporter(request: FetchRequest, { digest, sizeBytes }: Descriptor, role: Role): Report {
  return (status, offsetBytes) =>
    request.onProgress?.({
      kind: 'descriptor',
      role,
      digest,
      status,
      offsetBytes,
      totalBytes: sizeBytes,
    })
}
