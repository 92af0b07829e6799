import { writeTransaction } from '../host/database.ts'
import type { Digest } from '../oci/digest.ts'
import { namelessReference } from '../oci/nameless.ts'
import type { Platform } from '../oci/platform.ts'
import { canonicalName, type Reference } from '../oci/reference.ts'
import { createLease, type Lease } from '../store/leases.ts'
import { archivedImages, type PreparedImage } from './archived-images.ts'
import { recordImageEvent } from './image-event.ts'
import type { PlatformSelection } from './image-parts.ts'
import { nameImages } from './name-images.ts'
import type { OnProgress } from './progress.ts'
import { stageArchive } from './stage-archive.ts'
import type { ImageStores } from './stores.ts'
import { unpackImage } from './unpack.ts'

export interface LoadRequest {
  readonly input: AsyncIterable<Buffer>
  /** The archive's file or `stdin`, for messages. */
  readonly what: string
  readonly platforms: PlatformSelection
  /** The one to unpack where none is asked for. */
  readonly preferred: Platform
  /** Take away what nothing needs: called where a load fails after it has committed blobs. */
  readonly collectGarbage: () => void
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

export interface LoadedImage {
  readonly references: readonly Reference[]
  /** Digest of the config. */
  readonly id: Digest
}

/**
 * Bring the images of an archive into the stores: a docker-archive, an OCI layout or both in one.
 *
 * Every digest is computed anew. First the archive is read to its end and judged as a whole; then
 * its blobs are committed and unpacked; names, those that it says and no others, come last in one
 * transaction. A lease holds everything until then.
 *
 * @returns  in the archive's order
 * @throws   as stageArchive and archivedImages, of which nothing is left; as unpackImage
 */
export async function loadImages(
  stores: ImageStores,
  request: LoadRequest,
): Promise<LoadedImage[]> {
  const lease = createLease(stores.database, `load ${request.what}`)
  let hasCommitted = false
  try {
    const images = await prepareImages(stores, request, lease, () => {
      hasCommitted = true
    })
    for (const image of images) await unpackParts(stores, image, request, lease)
    writeTransaction(stores.database, () => {
      nameImages(stores, images)
      for (const { target } of images) {
        const byId = canonicalName(namelessReference(target.digest))
        recordImageEvent(stores, 'load', target.digest, byId)
      }
    })
    hasCommitted = false
    return images.map(({ references, id }) => ({ references, id }))
  } catch (error) {
    // A stream that was destroyed for it words an abort in its own way.
    throw request.signal?.aborted === true ? request.signal.reason : error
  } finally {
    lease.release()
    if (hasCommitted) request.collectGarbage()
  }
}

async function prepareImages(
  stores: ImageStores,
  request: LoadRequest,
  lease: Lease,
  onCommit: () => void,
): Promise<PreparedImage[]> {
  const { input, what, signal, onProgress } = request
  const archive = await stageArchive(stores, {
    input,
    what,
    lease,
    signal,
    onFile: ({ name, sizeBytes: totalBytes }) => {
      return (offsetBytes) => {
        const status = offsetBytes === totalBytes ? 'done' : 'reading'
        onProgress?.({ kind: 'file', name, status, offsetBytes, totalBytes })
      }
    },
  })
  try {
    const images = archivedImages(stores, archive, { ...request, lease })
    onCommit()
    return images.map((commit) => commit())
  } finally {
    archive.discard()
  }
}

async function unpackParts(
  stores: ImageStores,
  { unpacked }: PreparedImage,
  { onProgress, signal }: LoadRequest,
  lease: Lease,
): Promise<void> {
  for (const image of unpacked) {
    const layersReady = image.manifest.layersBaseFirst.map(() =>
      Promise.resolve('present' as const),
    )
    await unpackImage(stores, { image, layersReady, lease, onProgress, signal })
  }
}
