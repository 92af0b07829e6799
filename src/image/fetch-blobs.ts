import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Reference } from '../oci/reference.ts'
import type { DescriptorStatus, OnProgress } from './progress.ts'
import type { ImageStores } from './stores.ts'
import { taskQueue } from './task-queue.ts'

/** Whether a blob was here before, or had to be fetched. */
export type FetchOutcome = 'present' | 'fetched'

export interface FetcherOptions {
  readonly reference: Reference
  /** Transfers at once; six. */
  readonly maxDownloads?: number | undefined
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

export interface BlobToFetch {
  readonly descriptor: Descriptor
  readonly role: Role
  /** A layer that is unpacked next: what is said of it goes on then. */
  readonly unpacks?: boolean | undefined
}

/** Fetches the blobs of one pull, each once however many of its images have it. */
export interface BlobFetcher {
  /** Queue a blob; the promise resolves when it is in the store, whole and checked. */
  fetch(blob: BlobToFetch): Promise<FetchOutcome>
  /** Wait for all that was queued. */
  all(): Promise<FetchOutcome[]>
}

export type Role = 'config' | 'layer'

const defaultMaxDownloads = 6

/** A fetcher whose first failure ends the others, and is what each of them then throws. */
export function blobFetcher(stores: ImageStores, options: FetcherOptions): BlobFetcher {
  const failure = new AbortController()
  const signal =
    options.signal === undefined
      ? failure.signal
      : AbortSignal.any([options.signal, failure.signal])
  const enqueue = taskQueue(options.maxDownloads ?? defaultMaxDownloads)
  const started = new Map<Digest, Promise<FetchOutcome>>()
  return {
    fetch: (blob) => {
      const known = started.get(blob.descriptor.digest)
      if (known !== undefined) return known
      const report = reporter(options, blob)
      report('waiting', 0)
      const task = (): Promise<FetchOutcome> => fetchBlob(stores, { options, blob, report, signal })
      const fetched = enqueue(task).catch((error: unknown) => {
        failure.abort(options.signal?.aborted === true ? options.signal.reason : error)
        throw failure.signal.reason
      })
      // Whoever awaits a later blob must not leave this one's failure unhandled.
      fetched.catch(() => {})
      started.set(blob.descriptor.digest, fetched)
      return fetched
    },
    all: async () => {
      // The first failure is the pull's, but nobody may still be writing when it is told.
      await Promise.allSettled(started.values())
      return Promise.all(started.values())
    },
  }
}

type Report = (status: DescriptorStatus, offsetBytes: number) => void

interface BlobTask {
  readonly options: FetcherOptions
  readonly blob: BlobToFetch
  readonly report: Report
  readonly signal: AbortSignal
}

async function fetchBlob(
  stores: ImageStores,
  { options, blob, report, signal }: BlobTask,
): Promise<FetchOutcome> {
  // What waits in the queue when another blob fails is not begun.
  signal.throwIfAborted()
  const { descriptor, role, unpacks = false } = blob
  const { digest, mediaType, sizeBytes } = descriptor
  if (descriptor.data !== undefined) {
    stores.content.writeDocument(descriptor.data, { mediaType, expected: digest })
    report('exists', sizeBytes)
    return 'present'
  }
  const outcome = await stores.content.ensureBlob(descriptor, {
    ref: `${role}-${digest}`,
    open: async (offsetBytes, openSignal) => {
      const registry = await stores.registry()
      return registry.openBlob(options.reference, descriptor, offsetBytes, openSignal)
    },
    // With its last byte a blob is written to the disk for good and compared with its digest.
    onProgress: (offsetBytes) =>
      report(offsetBytes === sizeBytes ? 'verifying' : 'downloading', offsetBytes),
    signal,
  })
  if (outcome === 'present') report('exists', sizeBytes)
  else report(role === 'layer' && unpacks ? 'downloaded' : 'done', sizeBytes)
  return outcome
}

function reporter({ onProgress }: FetcherOptions, { descriptor, role }: BlobToFetch): Report {
  return (status, offsetBytes) =>
    onProgress?.({
      kind: 'descriptor',
      role,
      digest: descriptor.digest,
      status,
      offsetBytes,
      totalBytes: descriptor.sizeBytes,
    })
}
