import { checkBlob } from '../content/check-blob.ts'
import { hasCode, TsctrError } from '../errors.ts'
import { canonicalName, type Reference } from '../oci/reference.ts'
import { type BlobOutcome, pushBlob } from '../registry/push-blob.ts'
import type { PushChannel } from '../registry/push-channel.ts'
import { pushManifest } from '../registry/push-manifest.ts'
import { getImage } from '../store/images.ts'
import { createLease, type Lease } from '../store/leases.ts'
import { recordImageEvent } from './image-event.ts'
import { mountSources } from './mount-sources.ts'
import { namedError } from './named-error.ts'
import type { OnProgress, PushStatus } from './progress.ts'
import { type PushedPlatforms, planPush } from './push-plan.ts'
import { nodesChildrenFirst, type PushedBlob, type PushNode } from './push-tree.ts'
import type { Target } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { taskQueue } from './task-queue.ts'

export interface PushRequest {
  /** With a tag, without a digest. */
  readonly reference: Reference
  readonly choice: PushedPlatforms
  /** Layers that their makers let nobody pass on. */
  readonly pushesForeignLayers: boolean
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

export interface PushedImage {
  /** Canonical name that was pushed. */
  readonly name: string
  /** What the tag points at in the registry now. */
  readonly target: Target
  /** Platforms that were pushed where not all of the image was. */
  readonly part?: readonly string[] | undefined
}

const maxConcurrentUploads = 6

/**
 * Bring an image to its registry: blobs first, then manifests, then what gets the tag, so that the
 * registry never has something that points at nothing. Bytes and media types stay as they are.
 *
 * A lease that dies with the process keeps gc away meanwhile.
 *
 * @throws  NOT_FOUND if there is no such image; what planPush, the registry client and the content
 *          store throw, with the name in front; `request.signal`'s reason
 */
export async function pushImage(stores: ImageStores, request: PushRequest): Promise<PushedImage> {
  const name = canonicalName(request.reference)
  const image = getImage(stores.database, stores.namespace, name)
  if (image === undefined) {
    throw new TsctrError('NOT_FOUND', `image ${name}: no such image`, {
      hint: `tsctr tag SOURCE ${name}`,
    })
  }
  const lease = createLease(stores.database, `push ${name}`)
  try {
    lease.hold('blob', image.target.digest)
    const { root, part } = planPush(stores, name, image.target, request)
    holdAll(lease, root)
    const registry = await stores.registry()
    const failure = new AbortController()
    const signals = request.signal === undefined ? [] : [request.signal]
    const signal = AbortSignal.any([failure.signal, ...signals])
    const channel = await registry.openPush(request.reference, signal)
    await pushBlobs(stores, request, { channel, failure }, root)
    await pushManifests(request, channel, root)
    recordImageEvent(stores, 'push', root.descriptor.digest, name)
    return { name, target: root.descriptor, part }
  } catch (error) {
    throw namedError(name, request.signal?.aborted === true ? request.signal.reason : error)
  } finally {
    lease.release()
  }
}

function holdAll(lease: Lease, root: PushNode): void {
  const nodes = nodesChildrenFirst(root)
  const blobs = nodes.flatMap((node) => node.blobs)
  lease.hold('blob', ...[...nodes, ...blobs].map(({ descriptor }) => descriptor.digest))
}

/** All together, at most six at once; the first failure ends the others. */
async function pushBlobs(
  stores: ImageStores,
  request: PushRequest,
  { channel, failure }: { channel: PushChannel; failure: AbortController },
  root: PushNode,
): Promise<void> {
  const blobs = new Map<string, PushedBlob>()
  for (const node of nodesChildrenFirst(root)) {
    for (const blob of node.blobs) blobs.set(blob.descriptor.digest, blob)
  }
  const sources = mountSources(stores, request.reference)
  const enqueue = taskQueue(maxConcurrentUploads)
  const pushes = [...blobs.values()].map((blob) => {
    const report = reporter(request, blob.role, blob.descriptor)
    if (blob.isForeign && !request.pushesForeignLayers) return report('skipped', 0)
    report('waiting', 0)
    return enqueue(async () => {
      channel.signal.throwIfAborted()
      const mounts = sources.get(blob.descriptor.digest) ?? []
      await pushOne(stores, channel, blob, mounts, report)
    }).catch((error: unknown) => {
      failure.abort(error)
      throw failure.signal.reason
    })
  })
  const ends = await Promise.allSettled(pushes)
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function pushOne(
  stores: ImageStores,
  channel: PushChannel,
  { descriptor }: PushedBlob,
  mountSources: readonly string[],
  report: Report,
): Promise<void> {
  const { digest, sizeBytes } = descriptor
  let outcome: BlobOutcome
  try {
    outcome = await pushBlob(
      channel,
      {
        digest,
        sizeBytes,
        open: (start, end) => stores.content.openBlob(digest, { start, end }),
        mountSources,
      },
      (offsetBytes) => report('pushing', offsetBytes),
    )
  } catch (error) {
    // Whose mistake is it? The file here may have been damaged since it was committed.
    if (hasCode(error, 'DIGEST_MISMATCH')) await checkBlob(stores.content, digest)
    throw error
  }
  report(outcome.kind, sizeBytes, outcome.kind === 'mounted' ? outcome.from : undefined)
}

/** What is pointed at before what points, one after another; the last one gets the tag. */
async function pushManifests(
  request: PushRequest,
  channel: PushChannel,
  root: PushNode,
): Promise<void> {
  for (const { descriptor, bytes, entries } of nodesChildrenFirst(root)) {
    if (bytes === undefined) throw new Error(`bug: manifest ${descriptor.digest}: not planned`)
    const isRoot = descriptor.digest === root.descriptor.digest
    const tag = request.reference.tag ?? descriptor.digest
    await pushManifest(channel, descriptor, bytes, isRoot ? tag : descriptor.digest)
    const report = reporter(request, entries.length > 0 ? 'index' : 'manifest', descriptor)
    report('pushed', descriptor.sizeBytes)
  }
}

type Report = (status: PushStatus, offsetBytes: number, mountedFrom?: string) => void

function reporter(
  request: PushRequest,
  role: PushedBlob['role'] | 'index' | 'manifest',
  { digest, sizeBytes }: Target,
): Report {
  return (status, offsetBytes, mountedFrom) =>
    request.onProgress?.({
      kind: 'descriptor',
      ...{ role, digest, status, offsetBytes, totalBytes: sizeBytes, mountedFrom },
    })
}
