import { hasCode, TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { ImageIndex, ImageManifest } from '../oci/image-manifest.ts'
import { isIndex } from '../oci/media-type.ts'
import { formatPlatform, type Platform, platformRank } from '../oci/platform.ts'
import { choosePlatform, isImageEntry, offeredPlatforms } from './choose-platform.ts'
import type { Target } from './read-image.ts'

/** An index may hold indexes; deeper than this it is an attack. */
export const maxIndexDepth = 8
/** So many documents are read for one image at most: an index may name thousands. */
export const maxDocuments = 500

export interface SelectedManifest<M extends Manifest = ImageManifest> {
  readonly manifestDescriptor: Target
  readonly manifest: M
}

/** As much of a manifest as the driver cares to give. */
type Manifest = Pick<ImageManifest, 'kind'>

/** What selectManifest asks its driver for. */
export type Question<M extends Manifest = ImageManifest> =
  | { readonly kind: 'document'; readonly descriptor: Target }
  /** The platform that the config of a manifest names. */
  | { readonly kind: 'platform'; readonly manifest: M }

type Answer<M extends Manifest> = Pick<ImageIndex, 'kind' | 'manifests'> | M | Platform
export type Selection<T, M extends Manifest> = Generator<Question<M>, T, Answer<M>>

/**
 * The way from a target through indexes to the manifest for a platform. Where the documents come
 * from is the driver's affair: it answers each question, or throws into the generator.
 *
 * An entry that names its platform is believed; of those that name none, each is looked into. One
 * manifest alone, with no platform beside it, was made for whoever pulls it.
 *
 * @throws  NOT_FOUND, naming what is offered; INVALID_ARGUMENT for indexes nested too deep
 */
export function* selectManifest<M extends Manifest = ImageManifest>(
  target: Target,
  wanted: Platform,
): Selection<SelectedManifest<M>, M> {
  const search: Search = { target, wanted, seen: new Set(), offered: [] }
  const found = yield* findBelow<M>(search, target, 0)
  if (found !== undefined) return found
  const what = isIndex(target.mediaType) ? 'index' : 'manifest'
  const message = `${what} ${target.digest}: no image for platform ${formatPlatform(wanted)}`
  const offered = [...new Set(search.offered)]
  throw new TsctrError('NOT_FOUND', message, {
    hint: offered.length === 0 ? 'it holds no images' : `--platform ${offered.join(' or ')}`,
  })
}

interface Search {
  readonly target: Target
  readonly wanted: Platform
  readonly seen: Set<Digest>
  readonly offered: string[]
}

function* findBelow<M extends Manifest>(
  search: Search,
  descriptor: Target,
  depth: number,
): Selection<SelectedManifest<M> | undefined, M> {
  if (search.seen.has(descriptor.digest)) return undefined
  checkLimits(search, depth)
  search.seen.add(descriptor.digest)
  const document = (yield { kind: 'document', descriptor }) as ImageIndex | M
  if (!('manifests' in document)) return { manifestDescriptor: descriptor, manifest: document }
  const { manifests } = document
  search.offered.push(...offeredPlatforms(manifests))
  const { suiting, unnamed } = choosePlatform(manifests, search.wanted)
  for (const entry of suiting) {
    const found = yield* findBelow<M>(search, entry, depth + 1)
    if (found !== undefined) return found
  }
  const isLone = manifests.filter(isImageEntry).length === 1
  for (const entry of unnamed) {
    const found = yield* findUnnamed<M>(search, entry, depth + 1, isLone)
    if (found !== undefined) return found
  }
  return undefined
}

/** Look into an entry that does not say what it is for; one that is not here is none. */
function* findUnnamed<M extends Manifest>(
  search: Search,
  entry: Descriptor,
  depth: number,
  isLone: boolean,
): Selection<SelectedManifest<M> | undefined, M> {
  try {
    const found = yield* findBelow<M>(search, entry, depth)
    if (found === undefined || isLone || isIndex(entry.mediaType)) return found
    const platform = (yield { kind: 'platform', manifest: found.manifest }) as Platform
    search.offered.push(formatPlatform(platform))
    return platformRank(search.wanted, platform) === undefined ? undefined : found
  } catch (error) {
    if (!isLone && (hasCode(error, 'NOT_FOUND') || hasCode(error, 'UNSUPPORTED'))) return undefined
    throw error
  }
}

function checkLimits({ target, seen }: Search, depth: number): void {
  if (depth > maxIndexDepth) {
    const message = `index ${target.digest}: nested deeper than ${maxIndexDepth}`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  if (seen.size < maxDocuments) return
  const message = `index ${target.digest}: leads to more than ${maxDocuments} documents`
  throw new TsctrError('INVALID_ARGUMENT', message)
}
