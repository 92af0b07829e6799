import { existsSync } from 'node:fs'
import { verifyBlob } from '../content/verify-blob.ts'
import { TsctrError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { isIndex } from '../oci/media-type.ts'
import type { Platform } from '../oci/platform.ts'
import { type ImageRecord, listImages } from '../store/images.ts'
import { findImage } from './find-image.ts'
import { localImages } from './local-images.ts'
import { type LocalImage, readDocument, readImage, type Target } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { isUnpacked } from './unpack-local.ts'

type Stores = Omit<ImageStores, 'registry'>

export interface CheckRequest {
  /** Images as typed; none: all. */
  readonly texts: readonly string[]
  readonly platform: Platform
  /** Compare every blob with its digest, not only look whether it is there. */
  readonly readsBlobs: boolean
  readonly signal?: AbortSignal | undefined
}

export interface CheckedImage {
  readonly name: string
  readonly target: Target
  /** What is missing or damaged, in words. */
  readonly problems: readonly string[]
  readonly goodBlobs: number
  /** As many as are known of: what a missing manifest lists is not. */
  readonly allBlobs: number
  readonly goodBytes: number
  readonly allBytes: number
  /** Every platform that is here. */
  readonly isUnpacked: boolean
}

/** Tell of images whether all blobs are here of every platform that was brought. */
export async function checkImages(stores: Stores, request: CheckRequest): Promise<CheckedImage[]> {
  const { texts, platform } = request
  const records =
    texts.length === 0
      ? listImages(stores.database, stores.namespace)
      : texts.map((text) => findImage(stores, text, platform))
  // Images share layers: each blob is read once.
  const known = new Map<Digest, string | undefined>()
  const checked: CheckedImage[] = []
  for (const record of records) checked.push(await checkOne(stores, record, request, known))
  return checked
}

interface Part extends Pick<Target, 'digest' | 'sizeBytes'> {
  readonly role: string
}

async function checkOne(
  stores: Stores,
  { name, target }: ImageRecord,
  request: CheckRequest,
  known: Map<Digest, string | undefined>,
): Promise<CheckedImage> {
  const platforms = localImages(stores, target, request.platform)
  const parts = new Map<Digest, Part>()
  for (const part of partsOf(stores, target, platforms)) parts.set(part.digest, part)
  const problems: string[] = []
  const good: Part[] = []
  for (const part of parts.values()) {
    if (!known.has(part.digest)) known.set(part.digest, await problemOf(stores, part, request))
    const problem = known.get(part.digest)
    if (problem === undefined) good.push(part)
    else problems.push(`${part.role} ${part.digest}: ${problem}`)
  }
  if (platforms.length === 0 && problems.length === 0) {
    problems.push(whyNone(stores, target, request.platform))
  }
  return {
    name,
    target,
    problems,
    goodBlobs: good.length,
    allBlobs: parts.size,
    goodBytes: sumOf(good),
    allBytes: sumOf([...parts.values()]),
    isUnpacked: platforms.length > 0 && platforms.every((image) => isUnpacked(stores, image)),
  }
}

/** From the top down; of an image that is not readable at all only as far as it is. */
function partsOf(stores: Stores, target: Target, platforms: readonly LocalImage[]): Part[] {
  const top = { ...target, role: isIndex(target.mediaType) ? 'index' : 'manifest' }
  if (platforms.length === 0) return [top, ...partsOfUnread(stores, target)]
  return [
    top,
    ...platforms.flatMap(({ manifestDescriptor, manifest }) => [
      { ...manifestDescriptor, role: 'manifest' },
      { ...manifest.config, role: 'config' },
      ...manifest.layersBaseFirst.map((layer) => ({ ...layer, role: 'layer' })),
    ]),
  ]
}

/** Of a manifest without its config, still its config and layers. */
function partsOfUnread(stores: Stores, target: Target): Part[] {
  try {
    const document = readDocument(stores, target)
    if (document.kind === 'index') return []
    const { config, layersBaseFirst } = document
    return [
      { ...config, role: 'config' },
      ...layersBaseFirst.map((layer) => ({ ...layer, role: 'layer' })),
    ]
  } catch (error) {
    if (error instanceof TsctrError) return []
    throw error
  }
}

async function problemOf(
  stores: Stores,
  part: Part,
  { readsBlobs, signal }: CheckRequest,
): Promise<string | undefined> {
  if (stores.content.stat(part.digest) === undefined) return 'missing'
  if (!readsBlobs) return existsSync(stores.content.blobPath(part.digest)) ? undefined : 'missing'
  const health = await verifyBlob(stores.content, part, signal)
  return health.status === 'good' ? undefined : `${health.status}: ${health.problem}`
}

/** Why no platform of an image can be read whose blobs, as far as they are known, are all good. */
function whyNone(stores: Stores, target: Target, platform: Platform): string {
  try {
    readImage(stores, target, platform)
    return 'cannot be read'
  } catch (error) {
    if (error instanceof TsctrError) return error.message
    throw error
  }
}

function sumOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
