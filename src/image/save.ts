import { type ArchivedImage, imageArchiveEntries } from '../archive/image-archive.ts'
import { archiveBytes } from '../archive/write-archive.ts'
import { verifiedBytes } from '../content/verified-reader.ts'
import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isImageConfig, isIndex, isManifest } from '../oci/media-type.ts'
import { namelessReference } from '../oci/nameless.ts'
import type { Platform } from '../oci/platform.ts'
import { canonicalName, type Reference } from '../oci/reference.ts'
import { createLease, type Lease } from '../store/leases.ts'
import { recordImageEvent } from './image-event.ts'
import {
  bestPart,
  findImageParts,
  type ImagePart,
  missingBlobs,
  type PlatformSelection,
  selectParts,
} from './image-parts.ts'
import { imagesToSave } from './images-to-save.ts'
import type { DescriptorRole, OnProgress } from './progress.ts'
import type { Target } from './read-image.ts'
import type { ImageStores } from './stores.ts'

export interface SaveRequest {
  /** Names, ids or starts of them, as typed. */
  readonly texts: readonly string[]
  readonly platforms: PlatformSelection
  /** The one that is meant where only one can be. */
  readonly preferred: Platform
  /** Layers that the other side has. */
  readonly excluded: ReadonlySet<Digest>
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AbortSignal | undefined
}

type Stores = Pick<ImageStores, 'namespace' | 'database' | 'content'>

/**
 * Write images as one archive. Manifests and layers stay as they are, byte for byte; a lease keeps
 * them from gc until all is written.
 *
 * @param write  takes the archive in order
 * @throws       NOT_FOUND for an image, a platform or a blob that is not here, before the first
 *               byte is written; DIGEST_MISMATCH for a damaged blob
 */
export async function saveImages(
  stores: Stores,
  request: SaveRequest,
  write: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  const lease = createLease(stores.database, 'save')
  try {
    const images: ArchivedImage[] = []
    const blobs = new Map<Digest, Descriptor>()
    for (const { target, references, what } of imagesToSave(stores, request)) {
      const { parts, attachments } = partsToSave(stores, target, request, what)
      for (const blob of [...blobsOf(parts, request.excluded), ...attachments]) {
        blobs.set(blob.digest, blob)
      }
      images.push(archivedImage(target, references, parts, request.preferred))
    }
    holdAll(stores, lease, [...blobs.values()])
    const entries = imageArchiveEntries(
      images,
      [...blobs.values()].map((blob) => ({
        ...blob,
        bytes: () => reportedBytes(stores, blob, request.onProgress),
      })),
    )
    for await (const chunk of archiveBytes(entries)) {
      request.signal?.throwIfAborted()
      await write(chunk)
    }
    writeTransaction(stores.database, () => {
      for (const { target, references } of images) {
        const names = references.length === 0 ? [namelessReference(target.digest)] : references
        for (const name of names) {
          recordImageEvent(stores, 'save', target.digest, canonicalName(name))
        }
      }
    })
  } finally {
    lease.release()
  }
}

function partsToSave(
  stores: Stores,
  target: Target,
  { platforms, preferred, excluded }: SaveRequest,
  what: string,
): { parts: readonly ImagePart[]; attachments: readonly Descriptor[] } {
  const isThere = ({ digest }: Pick<Descriptor, 'digest'>): boolean =>
    stores.content.stat(digest) !== undefined
  const found = findImageParts(
    (document, maxBytes) =>
      isThere(document) ? stores.content.readDocument(document.digest, maxBytes) : undefined,
    target,
  )
  const isSpared = (blob: Descriptor): boolean => isThere(blob) || excluded.has(blob.digest)
  const missingOf = (part: ImagePart): Descriptor[] => missingBlobs(part, isSpared)
  const selected = selectParts(found, platforms, what)
  const isWhole = (part: ImagePart): boolean => missingOf(part).length === 0
  const saved = platforms === 'here' ? selected.filter(isWhole) : selected
  const broken = saved.find((part) => !isWhole(part))
  if (saved.length > 0 && broken === undefined) {
    const isAsked = typeof platforms !== 'string'
    const attachments = isAsked ? [] : found.attachments.filter((blobs) => blobs.every(isThere))
    return { parts: saved, attachments: attachments.flat() }
  }
  const shown = broken ?? bestPart(selected, preferred) ?? selected[0]
  const missing = shown === undefined ? [target] : missingOf(shown)
  const digests = missing.map(({ digest }) => digest).join(', ')
  throw new TsctrError('NOT_FOUND', `${what}: not whole here: ${digests}`, {
    hint: 'pull it again',
  })
}

/** Indexes, manifests, configs and layers, without those that the other side has. */
function blobsOf(parts: readonly ImagePart[], excluded: ReadonlySet<Digest>): Descriptor[] {
  return parts.flatMap(({ indexes, manifestDescriptor, manifest }) => [
    ...indexes,
    manifestDescriptor,
    manifest.config,
    ...manifest.layersBaseFirst.filter(({ digest }) => !excluded.has(digest)),
  ])
}

function archivedImage(
  target: Target,
  references: readonly Reference[],
  parts: readonly ImagePart[],
  preferred: Platform,
): ArchivedImage {
  const part = bestPart(parts, preferred) ?? parts[0]
  if (part === undefined) throw new Error('bug: an image without a part')
  return {
    target,
    references,
    config: part.manifest.config.digest,
    layersBaseFirst: part.manifest.layersBaseFirst.map(({ digest }) => digest),
  }
}

/** Whoever removed one of them before it was held is noticed here. */
function holdAll(stores: Stores, lease: Lease, blobs: readonly Descriptor[]): void {
  lease.hold('blob', ...blobs.map(({ digest }) => digest))
  const gone = blobs.filter(({ digest }) => stores.content.stat(digest) === undefined)
  if (gone.length === 0) return
  const digests = gone.map(({ digest }) => digest).join(', ')
  throw new TsctrError('NOT_FOUND', `blobs removed meanwhile: ${digests}`)
}

async function* reportedBytes(
  stores: Stores,
  blob: Descriptor,
  onProgress: OnProgress | undefined,
): AsyncGenerator<Buffer, void, void> {
  let offsetBytes = 0
  const report = (status: 'writing' | 'done'): void =>
    onProgress?.({
      kind: 'descriptor',
      role: roleOf(blob.mediaType),
      digest: blob.digest,
      status,
      offsetBytes,
      totalBytes: blob.sizeBytes,
    })
  report('writing')
  for await (const chunk of verifiedBytes(blob, stores.content.openBlob(blob.digest))) {
    yield chunk
    offsetBytes += chunk.length
    report('writing')
  }
  report('done')
}

function roleOf(mediaType: string): DescriptorRole {
  if (isIndex(mediaType)) return 'index'
  if (isManifest(mediaType)) return 'manifest'
  return isImageConfig(mediaType) ? 'config' : 'layer'
}
