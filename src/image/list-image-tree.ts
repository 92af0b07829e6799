import { TsctrError } from '../errors.ts'
import { chainIDs } from '../oci/chain-id.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { type ContainerRecord, listContainers } from '../store/containers.ts'
import type { ImageFilter } from './image-filters.ts'
import { findImageParts, type ImagePart, type ImageParts } from './image-parts.ts'
import { type ListedImage, listLocalImages } from './list-images.ts'
import { mountsOfImage } from './mounted-images.ts'
import type { Target } from './read-image.ts'
import type { ImageStores } from './stores.ts'

/** An image under all its names, and the platforms it is made for. */
export interface ImageTree extends TreeSizes {
  /** Canonical; at least one. */
  readonly names: readonly string[]
  /** What the names point at. */
  readonly target: Digest
  /** Those that are here first. */
  readonly platforms: readonly PlatformBranch[]
}

export interface PlatformBranch extends TreeSizes {
  readonly manifest: Digest
  /** As the index says, else as the config does. */
  readonly platform: Platform | undefined
  readonly isHere: boolean
}

interface TreeSizes {
  /** Blobs that are here and, besides, what they are unpacked into. */
  readonly diskBytes: number
  readonly contentBytes: number
  /** A container was made from it, or it is mounted. */
  readonly isUsed: boolean
}

type Stores = Pick<ImageStores, 'namespace' | 'database' | 'content' | 'snapshots'>

/**
 * The images that pass all filters, built last first.
 *
 * @throws  NOT_FOUND for an image that a filter names
 * Source: docker images --tree
 */
export function listImageTree(
  stores: Stores,
  platform: Platform,
  filters: readonly ImageFilter[],
): ImageTree[] {
  const listed = listLocalImages(stores, platform, filters)
  const containers = listContainers(stores.database, stores.namespace)
  const sizes = stores.snapshots.sizes()
  const groups = Map.groupBy(listed, ({ target }) => target.digest)
  return [...groups.values()].map((images) => treeOf({ stores, containers, sizes }, images))
}

interface Known {
  readonly stores: Stores
  readonly containers: readonly ContainerRecord[]
  readonly sizes: ReadonlyMap<string, number>
}

function treeOf(known: Known, images: readonly ListedImage[]): ImageTree {
  const [{ target }] = images as readonly [ListedImage]
  const { parts, absent, attachments } = partsOf(known.stores, target)
  const branches = parts.map((part) => branchOf(known, target, part))
  const indexes = parts.flatMap((part) => part.indexes)
  const blobs = [target, ...indexes, ...parts.flatMap(blobsOf), ...attachments.flat()]
  const { containers } = known
  return {
    names: images.map(({ name }) => name),
    target: target.digest,
    platforms: [
      ...branches,
      ...absent
        .filter(({ digest }) => digest !== target.digest)
        .map(({ digest, platform }) => {
          const nothing = { isHere: false, diskBytes: 0, contentBytes: 0, isUsed: false }
          return { manifest: digest, platform, ...nothing }
        }),
    ],
    ...sizesOf(known, blobs, parts),
    isUsed:
      branches.some(({ isUsed }) => isUsed) ||
      containers.some(({ imageTargetDigest }) => imageTargetDigest === target.digest),
  }
}

function branchOf(known: Known, target: Target, part: ImagePart): PlatformBranch {
  const { manifestDescriptor, manifest, platform } = part
  const id = manifest.config.digest
  return {
    manifest: manifestDescriptor.digest,
    platform,
    isHere: true,
    ...sizesOf(known, blobsOf(part), [part]),
    isUsed:
      known.containers.some(({ imageConfigDigest }) => imageConfigDigest === id) ||
      mountsOfImage(known.stores, { id, target }).length > 0,
  }
}

function sizesOf(
  { stores, sizes }: Known,
  blobs: readonly Pick<Descriptor, 'digest'>[],
  parts: readonly ImagePart[],
): Pick<TreeSizes, 'diskBytes' | 'contentBytes'> {
  let contentBytes = 0
  for (const digest of new Set(blobs.map((blob) => blob.digest))) {
    contentBytes += stores.content.stat(digest)?.sizeBytes ?? 0
  }
  const layers = parts.flatMap(({ config }) =>
    config === undefined || config.diffIDs.length === 0 ? [] : chainIDs(config.diffIDs),
  )
  let diskBytes = contentBytes
  for (const chainID of new Set(layers)) diskBytes += sizes.get(chainID) ?? 0
  return { diskBytes, contentBytes }
}

function blobsOf({ manifestDescriptor, manifest }: ImagePart): Pick<Descriptor, 'digest'>[] {
  return [manifestDescriptor, manifest.config, ...manifest.layersBaseFirst]
}

/** A document that is damaged hides what it leads to. */
function partsOf({ content }: Stores, target: Target): ImageParts {
  try {
    return findImageParts(
      ({ digest }, maxBytes) =>
        content.stat(digest) === undefined ? undefined : content.readDocument(digest, maxBytes),
      target,
    )
  } catch (error) {
    if (!(error instanceof TsctrError)) throw error
    return { parts: [], absent: [], attachments: [] }
  }
}
