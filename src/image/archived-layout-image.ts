import { readFileSync } from 'node:fs'
import type { LayoutImage } from '../archive/oci-layout.ts'
import { blobMismatch } from '../content/receive-blob.ts'
import { TsctrError } from '../errors.ts'
import { chainIDs } from '../oci/chain-id.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { ImageConfig } from '../oci/image-config.ts'
import { familiarName } from '../oci/reference.ts'
import type { ArchiveRequest, CommitImage } from './archived-images.ts'
import {
  bestPart,
  findImageParts,
  type ImagePart,
  missingBlobs,
  type ReadBytes,
  selectParts,
} from './image-parts.ts'
import type { LocalImage, Target } from './read-image.ts'
import type { StagedArchive } from './stage-archive.ts'
import type { ImageStores } from './stores.ts'

type Stores = Pick<ImageStores, 'content'>

/** Blobs that an archive leaves out and the content store has not, of all its images. */
export class MissingBlobs {
  readonly #what: string
  readonly #digests = new Set<Digest>()

  constructor(what: string) {
    this.#what = what
  }

  add(blobs: readonly Target[]): void {
    for (const { digest } of blobs) this.#digests.add(digest)
  }

  /** @throws NOT_FOUND naming all of them, if there are any */
  refuse(): void {
    if (this.#digests.size === 0) return
    const digests = [...this.#digests].join(', ')
    throw new TsctrError('NOT_FOUND', `${this.#what}: neither in it nor here: ${digests}`, {
      hint: 'load or pull the image that has them first, or save without --exclude-from',
    })
  }
}

/**
 * Judge an image of an OCI layout.
 *
 * A platform whose manifest is in the archive must be whole, with what is here already. Of those
 * that the index only mentions, one must be.
 *
 * @throws  as findImageParts and selectParts; what is missing goes to `missing`
 */
export function layoutImage(
  stores: Stores,
  archive: StagedArchive,
  { target, references }: LayoutImage,
  request: ArchiveRequest & { readonly missing: MissingBlobs },
): CommitImage {
  const { what, platforms, preferred, missing, lease } = request
  const isThere = (blob: Target): boolean => {
    const file = archive.byDigest(blob.digest)
    lease.hold('blob', blob.digest)
    const sizeBytes = file?.sizeBytes ?? stores.content.stat(blob.digest)?.sizeBytes
    if (sizeBytes !== undefined && sizeBytes !== blob.sizeBytes) {
      throw blobMismatch(blob.digest, blob.sizeBytes, sizeBytes)
    }
    return sizeBytes !== undefined
  }
  const found = findImageParts(reader(stores, archive, isThere), target)
  if (found.parts.length === 0) missing.add(found.absent)
  const selected = selectParts(
    found,
    platforms,
    `${what}: image ${shownTarget(references, target)}`,
  )
  const missingOf = (part: ImagePart): Descriptor[] => missingBlobs(part, isThere)
  const isAsked = platforms !== 'here'
  const isSingled = typeof platforms !== 'string'
  const isInArchive = ({ manifestDescriptor }: ImagePart): boolean =>
    archive.byDigest(manifestDescriptor.digest) !== undefined
  const whole = selected.filter((part) => missingOf(part).length === 0)
  for (const part of selected) {
    if (isAsked || isInArchive(part) || whole.length === 0) missing.add(missingOf(part))
  }
  const unpacked = isAsked ? whole : [bestPart(whole, preferred) ?? []].flat()
  for (const part of unpacked) checkLayerCount(part, what)
  const attachments = found.attachments.filter((blobs) => !isSingled && blobs.every(isThere))
  return () => {
    const blobs = new Map<Digest, Target>()
    for (const blob of [...whole.flatMap(blobsOf), ...attachments.flat()]) {
      blobs.set(blob.digest, blob)
    }
    stores.content.commitAllStaged(
      [...blobs.values()].flatMap(({ digest, mediaType }) => {
        const staged = archive.byDigest(digest)?.staged
        return staged === undefined ? [] : [{ staged, mediaType }]
      }),
    )
    const shown = bestPart(whole, preferred) ?? whole[0]
    return {
      target,
      references,
      id: shown?.manifest.config.digest ?? target.digest,
      unpacked: unpacked.map((part) => localImage(target, part)),
    }
  }
}

function reader(
  stores: Stores,
  archive: StagedArchive,
  isThere: (blob: Target) => boolean,
): ReadBytes {
  return (document, maxBytes) => {
    if (!isThere(document)) return undefined
    const staged = archive.byDigest(document.digest)?.staged
    if (staged === undefined) return stores.content.readDocument(document.digest, maxBytes)
    if (staged.sizeBytes <= maxBytes) return readFileSync(staged.path)
    const message = `blob ${staged.digest}: ${staged.sizeBytes} bytes are more than ${maxBytes}`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
}

function checkLayerCount({ manifest, config }: ImagePart, what: string): void {
  const layers = manifest.layersBaseFirst.length
  const diffIDs = config?.diffIDs.length ?? layers
  if (layers === diffIDs) return
  const problem = `config ${manifest.config.digest}: ${diffIDs} diff_ids for ${layers} layers`
  throw new TsctrError('INVALID_ARGUMENT', `${what}: ${problem}`)
}

function localImage(target: Target, part: ImagePart): LocalImage {
  const { manifestDescriptor, manifest } = part
  const config = part.config as ImageConfig
  const chain = config.diffIDs.length === 0 ? [] : chainIDs(config.diffIDs)
  return { target, manifestDescriptor, manifest, config, chainID: chain.at(-1) }
}

function blobsOf({ indexes, manifestDescriptor, manifest }: ImagePart): Target[] {
  return [...indexes, manifestDescriptor, manifest.config, ...manifest.layersBaseFirst]
}

function shownTarget(references: LayoutImage['references'], { digest }: Target): string {
  const [first] = references
  return first === undefined ? digest : familiarName(first)
}
