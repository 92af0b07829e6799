import { TsctrError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatPlatform, type Platform, platformRank } from '../oci/platform.ts'
import { sha256Digest } from '../oci/sha256.ts'
import { choosePlatform, isImageEntry, offeredPlatforms } from './choose-platform.ts'
import { missingParts, type PushEntry, type PushNode, readPushTree } from './push-tree.ts'
import { readImage, type Target } from './read-image.ts'
import type { ImageStores } from './stores.ts'

/** Which platforms of an image are pushed. */
export type PushedPlatforms =
  /** All if they are here, else what is, this machine's first. */
  | { readonly kind: 'present'; readonly preferred: Platform }
  | { readonly kind: 'all' }
  | { readonly kind: 'these'; readonly platforms: readonly Platform[] }

export interface PushPlan {
  /** Gets the tag: the image's target, or a part of it. */
  readonly root: PushNode
  /** Platforms that are pushed where it is a part: `linux/amd64`. */
  readonly part?: readonly string[] | undefined
}

export interface PlanOptions {
  readonly choice: PushedPlatforms
  readonly pushesForeignLayers: boolean
}

/**
 * Decide what of an image is pushed: the index as it is wherever that can be. One platform is
 * pushed as its manifest; for several of more an index with just their entries is made.
 *
 * @throws  FAILED_PRECONDITION naming what is missing, NOT_FOUND for a platform that the image lacks
 * Source: docker push --platform; nerdctl push --all-platforms
 */
export function planPush(
  stores: Pick<ImageStores, 'content'>,
  name: string,
  target: Target,
  options: PlanOptions,
): PushPlan {
  const { choice, pushesForeignLayers } = options
  const root = readPushTree(stores, target)
  const missing = missingParts(root, pushesForeignLayers)
  if (root.entries.length === 0) {
    if (choice.kind === 'these') requirePlatforms(stores, name, target, choice.platforms)
    if (missing.length > 0) throw notHere(name, missing, `tsctr pull ${name}`)
    return { root }
  }
  if (missing.length === 0 && choice.kind !== 'these') return { root }
  const images = imageEntries(root)
  const wanted = choice.kind === 'these' ? theseEntries(name, images, choice.platforms) : images
  const here = wanted.filter(({ node }) => missingParts(node, pushesForeignLayers).length === 0)
  if (choice.kind === 'present') {
    // Docker pushes one platform rather than an index that promises what it does not keep.
    const chosen = here.length === images.length ? here : preferredEntry(here, choice.preferred)
    if (chosen.length > 0) return partOf(root, chosen, pushesForeignLayers)
  }
  const lacking = wanted.filter((entry) => !here.includes(entry))
  if (lacking.length === 0) return partOf(root, wanted, pushesForeignLayers)
  throw notHere(
    name,
    lacking.map((entry) => `${labelOf(entry)} (${missingWords(entry, pushesForeignLayers)})`),
    choice.kind === 'these'
      ? `tsctr pull --platform ${lacking.map(labelOf).join(' --platform ')} ${name}`
      : `tsctr pull --all-platforms ${name}`,
  )
}

/** Images of an index and of those in it; each manifest once. */
function imageEntries(root: PushNode, seen = new Set<Digest>()): PushEntry[] {
  return root.entries.flatMap((entry) => {
    if (seen.has(entry.descriptor.digest)) return []
    seen.add(entry.descriptor.digest)
    if (entry.node.entries.length > 0) return imageEntries(entry.node, seen)
    return isImageEntry(entry.descriptor) ? [entry] : []
  })
}

function theseEntries(
  name: string,
  images: readonly PushEntry[],
  platforms: readonly Platform[],
): PushEntry[] {
  const descriptors = images.map(({ descriptor }) => descriptor)
  const chosen = platforms.map((platform) => {
    const { suiting, unnamed } = choosePlatform(descriptors, platform)
    // A lone entry that names no platform was made for whoever takes it.
    const [found = descriptors.length === 1 ? unnamed[0] : undefined] = suiting
    if (found !== undefined) return found
    throw noSuchPlatform(name, platform, offeredPlatforms(descriptors))
  })
  return images.filter(({ descriptor }) => chosen.includes(descriptor))
}

function preferredEntry(here: readonly PushEntry[], preferred: Platform): PushEntry[] {
  const descriptors = here.map(({ descriptor }) => descriptor)
  const [best] = choosePlatform(descriptors, preferred).suiting
  const match = here.find(({ descriptor }) => descriptor === best)
  return match === undefined ? here.slice(0, 1) : [match]
}

function partOf(
  root: PushNode,
  images: readonly PushEntry[],
  pushesForeignLayers: boolean,
): PushPlan {
  const part = images.map(labelOf)
  const [only, another] = images
  const everyImage = imageEntries(root)
  if (only !== undefined && another === undefined) return { root: only.node, part }
  if (images.length === everyImage.length && missingParts(root, pushesForeignLayers).length === 0) {
    return { root }
  }
  const digests = new Set<string>(images.map(({ descriptor }) => descriptor.digest))
  const others = root.entries.filter(
    ({ descriptor, node }) =>
      !isImageEntry(descriptor) &&
      digests.has(descriptor.annotations?.get('vnd.docker.reference.digest') ?? '') &&
      missingParts(node, pushesForeignLayers).length === 0,
  )
  return { root: indexOf(root, [...images, ...others]), part }
}

/** The same index with some of its entries. */
function indexOf(root: PushNode, entries: readonly PushEntry[]): PushNode {
  const document = { ...root.document, manifests: entries.map(({ raw }) => raw) }
  const bytes = Buffer.from(JSON.stringify(document))
  const { mediaType } = root.descriptor
  const descriptor = { mediaType, digest: sha256Digest(bytes), sizeBytes: bytes.length }
  return { descriptor, document, bytes, entries, blobs: [] }
}

function requirePlatforms(
  stores: Pick<ImageStores, 'content'>,
  name: string,
  target: Target,
  platforms: readonly Platform[],
): void {
  for (const platform of platforms) {
    const { config } = readImage(stores, target, platform)
    if (platformRank(platform, config.platform) !== undefined) continue
    throw noSuchPlatform(name, platform, [formatPlatform(config.platform)])
  }
}

function noSuchPlatform(name: string, platform: Platform, offered: readonly string[]): TsctrError {
  const message = `${name}: no image for platform ${formatPlatform(platform)}`
  return new TsctrError('NOT_FOUND', message, { hint: `--platform ${offered.join(' or ')}` })
}

function labelOf({ descriptor }: PushEntry): string {
  return descriptor.platform === undefined
    ? descriptor.digest.slice(0, shortDigestLength)
    : formatPlatform(descriptor.platform)
}

const shortDigestLength = 'sha256:'.length + 12

function missingWords({ node }: PushEntry, pushesForeignLayers: boolean): string {
  return missingParts(node, pushesForeignLayers).map(shortened).join(', ')
}

function shortened(part: string): string {
  return part.replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/, '$1')
}

function notHere(name: string, parts: readonly string[], hint: string): TsctrError {
  const message = `${name}: not all of it is here: ${parts.map(shortened).join('; ')}`
  return new TsctrError('FAILED_PRECONDITION', message, { hint })
}
