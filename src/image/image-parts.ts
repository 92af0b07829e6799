import { TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts'
import {
  type ImageManifest,
  maxConfigBytes,
  maxManifestBytes,
  parseChildren,
  parseImageDocument,
} from '../oci/image-manifest.ts'
import { isIndex, isManifest } from '../oci/media-type.ts'
import { formatPlatform, type Platform, platformRank } from '../oci/platform.ts'
import { isImageEntry } from './choose-platform.ts'
import type { Target } from './read-image.ts'
import { maxDocuments, maxIndexDepth } from './select-manifest.ts'

/** One platform of an image, as far as it is here. */
export interface ImagePart {
  /** From the image's target down to what lists the manifest; none where that is the target. */
  readonly indexes: readonly Target[]
  readonly manifestDescriptor: Target
  readonly manifest: ImageManifest
  /** undefined where the config is not here. */
  readonly config: ImageConfig | undefined
  /** As the index says, else as the config does. */
  readonly platform: Platform | undefined
}

export interface ImageParts {
  /** In the order of the indexes. */
  readonly parts: readonly ImagePart[]
  /** Entries of indexes whose manifest is not here. */
  readonly absent: readonly Descriptor[]
  /** Attestations, signatures: the manifest, which is here, then what it leads to. */
  readonly attachments: readonly (readonly Descriptor[])[]
}

/** Where documents come from: undefined for one that is not here. */
export type ReadBytes = (target: Target, maxBytes: number) => Buffer | undefined

/** Which platforms of an image are meant: those that are here whole, all that it has, or these. */
export type PlatformSelection = 'here' | 'all' | readonly Platform[]

/**
 * Every platform of an image whose manifest is here. Attestations and signatures are no platforms,
 * but belong to the image.
 *
 * @throws  INVALID_ARGUMENT for indexes that are nested too deep or lead to too much; UNSUPPORTED,
 *          INVALID_ARGUMENT for a document that is no image's
 */
export function findImageParts(read: ReadBytes, target: Target): ImageParts {
  const parts: ImagePart[] = []
  const absent: Descriptor[] = []
  const attachments: Descriptor[][] = []
  const seen = new Set<string>()
  const visit = (
    entry: Target & Pick<Descriptor, 'platform'>,
    indexes: readonly Target[],
  ): void => {
    if (seen.has(entry.digest)) return
    seen.add(entry.digest)
    checkLimits(target, indexes.length, seen.size)
    const bytes = read(entry, maxManifestBytes)
    if (bytes === undefined) {
      absent.push(entry)
      return
    }
    const document = parseImageDocument(bytes, entry.mediaType, `manifest ${entry.digest}`)
    if (document.kind === 'index') {
      for (const child of document.manifests) {
        if (isImageEntry(child)) visit(child, [...indexes, entry])
        else attachments.push(...readAttachment(read, child))
      }
      return
    }
    const config = readConfig(read, document)
    const platform = entry.platform ?? config?.platform
    parts.push({ indexes, manifestDescriptor: entry, manifest: document, config, platform })
  }
  visit(target, [])
  return { parts, absent, attachments }
}

/**
 * The parts that a selection means, each once.
 *
 * @param what  the image, for messages
 * @throws      NOT_FOUND for a platform that is not here
 */
export function selectParts(
  { parts, absent }: ImageParts,
  selection: PlatformSelection,
  what: string,
): readonly ImagePart[] {
  if (selection === 'here') return parts
  if (selection === 'all') {
    if (absent.length === 0) return parts
    const names = absent.map(({ platform, digest }) => platformName(platform) ?? digest)
    throw new TsctrError('NOT_FOUND', `${what}: not here for ${names.join(', ')}`)
  }
  return [...new Set(selection.map((platform) => partFor(parts, platform, what)))]
}

/** The part that suits a platform best; undefined if none does. */
export function bestPart(parts: readonly ImagePart[], wanted: Platform): ImagePart | undefined {
  const ranked = parts.flatMap((part) => {
    const rank = part.platform === undefined ? undefined : platformRank(wanted, part.platform)
    return rank === undefined ? [] : [{ part, rank }]
  })
  return ranked.toSorted((a, b) => a.rank - b.rank)[0]?.part
}

/** Config and layers that are not there. */
export function missingBlobs(
  { manifest }: ImagePart,
  isThere: (blob: Descriptor) => boolean,
): Descriptor[] {
  return [manifest.config, ...manifest.layersBaseFirst].filter((blob) => !isThere(blob))
}

function partFor(parts: readonly ImagePart[], wanted: Platform, what: string): ImagePart {
  const part = bestPart(parts, wanted)
  if (part !== undefined) return part
  const offered = parts.flatMap(({ platform }) => platformName(platform) ?? [])
  throw new TsctrError('NOT_FOUND', `${what}: not here for platform ${formatPlatform(wanted)}`, {
    hint: offered.length === 0 ? undefined : `--platform ${offered.join(' or ')}`,
  })
}

/** Nothing, or what an attestation is made of. */
function readAttachment(read: ReadBytes, entry: Descriptor): Descriptor[][] {
  if (!isManifest(entry.mediaType) && !isIndex(entry.mediaType)) return []
  const bytes = read(entry, maxManifestBytes)
  if (bytes === undefined) return []
  return [[entry, ...parseChildren(bytes, entry.mediaType, `manifest ${entry.digest}`)]]
}

function readConfig(read: ReadBytes, { config }: ImageManifest): ImageConfig | undefined {
  const bytes = read(config, maxConfigBytes)
  return bytes === undefined ? undefined : parseImageConfig(bytes, `config ${config.digest}`)
}

function checkLimits(target: Target, depth: number, documents: number): void {
  if (depth > maxIndexDepth) {
    const message = `index ${target.digest}: nested deeper than ${maxIndexDepth}`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  if (documents <= maxDocuments) return
  const message = `index ${target.digest}: leads to more than ${maxDocuments} documents`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

function platformName(platform: Platform | undefined): string | undefined {
  return platform === undefined ? undefined : formatPlatform(platform)
}
