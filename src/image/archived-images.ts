import { parseDockerManifest } from '../archive/docker-manifest.ts'
import { parseLayout } from '../archive/oci-layout.ts'
import { TsctrError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import type { Lease } from '../store/leases.ts'
import { dockerImage } from './archived-docker-image.ts'
import { layoutImage, MissingBlobs } from './archived-layout-image.ts'
import { isImageEntry } from './choose-platform.ts'
import type { PlatformSelection } from './image-parts.ts'
import type { ImageToName } from './name-images.ts'
import type { LocalImage } from './read-image.ts'
import type { StagedArchive } from './stage-archive.ts'
import type { ImageStores } from './stores.ts'

/** An image whose blobs are all in the content store. */
export interface PreparedImage extends ImageToName {
  /** Digest of the config. */
  readonly id: Digest
  /** Its platforms that are to be unpacked. */
  readonly unpacked: readonly LocalImage[]
}

/** Commits the blobs of an image that was found whole. */
export type CommitImage = () => PreparedImage

export interface ArchiveRequest {
  readonly what: string
  readonly platforms: PlatformSelection
  readonly preferred: Platform
  readonly lease: Lease
}

/**
 * Judge the images of an archive, all of them before the first is committed.
 *
 * An archive that is both an OCI layout and a docker-archive is read as a layout: that keeps the
 * manifests, and so the images' digests.
 *
 * @throws  INVALID_ARGUMENT for what no image can be made of; UNSUPPORTED; NOT_FOUND naming every
 *          blob that is neither in the archive nor here, or for a platform that is in neither
 */
export function archivedImages(
  stores: Pick<ImageStores, 'content'>,
  archive: StagedArchive,
  request: ArchiveRequest,
): CommitImage[] {
  const missing = new MissingBlobs(request.what)
  const images = isLayout(archive)
    ? layoutImages(stores, archive, request, missing)
    : dockerImages(stores, archive, request)
  missing.refuse()
  if (images.length > 0) return images
  throw new TsctrError('INVALID_ARGUMENT', `${request.what}: there is no image in it`)
}

function isLayout(archive: StagedArchive): boolean {
  return (['index.json', 'oci-layout'] as const).every((name) => archive.document(name))
}

function layoutImages(
  stores: Pick<ImageStores, 'content'>,
  archive: StagedArchive,
  request: ArchiveRequest,
  missing: MissingBlobs,
): CommitImage[] {
  const layout = archive.document('oci-layout') as Buffer
  const index = archive.document('index.json') as Buffer
  return parseLayout(layout, index, request.what)
    .filter(({ target }) => isImageEntry(target))
    .map((image) => layoutImage(stores, archive, image, { ...request, missing }))
}

function dockerImages(
  stores: Pick<ImageStores, 'content'>,
  archive: StagedArchive,
  request: ArchiveRequest,
): CommitImage[] {
  const { what } = request
  const manifest = archive.document('manifest.json')
  if (manifest !== undefined) {
    return parseDockerManifest(manifest, what).map((image) =>
      dockerImage(stores, archive, image, request),
    )
  }
  if (archive.hasSkipped('repositories')) {
    const problem = 'saved by docker before 1.10: it has no manifest.json'
    throw new TsctrError('UNSUPPORTED', `${what}: ${problem}`)
  }
  const hasIndex = archive.document('index.json') !== undefined
  const problem = hasIndex
    ? 'it has index.json, but no oci-layout'
    : 'no index.json, no manifest.json'
  throw new TsctrError('INVALID_ARGUMENT', `${what}: not an archive of images: ${problem}`)
}
