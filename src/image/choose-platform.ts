import type { Descriptor } from '../oci/descriptor.ts'
import { isIndex, isManifest } from '../oci/media-type.ts'
import { formatPlatform, type Platform, platformRank } from '../oci/platform.ts'

/** Entries of an index to try for a platform. */
export interface PlatformChoice {
  /** Those whose platform suits, best first; the index's order decides between equals. */
  readonly suiting: readonly Descriptor[]
  /** Images and indexes that do not say what they are for, in the index's order. */
  readonly unnamed: readonly Descriptor[]
}

/** Sort out what an index offers for a platform; what is no image is left out. */
export function choosePlatform(entries: readonly Descriptor[], wanted: Platform): PlatformChoice {
  const images = entries.filter(isImageEntry)
  const ranked = images.flatMap((entry) => {
    const rank = entry.platform === undefined ? undefined : platformRank(wanted, entry.platform)
    return rank === undefined ? [] : [{ entry, rank }]
  })
  return {
    suiting: ranked.toSorted((a, b) => a.rank - b.rank).map(({ entry }) => entry),
    unnamed: images.filter(({ platform }) => platform === undefined),
  }
}

/** The platforms that an index names, as `--platform` takes them. */
export function offeredPlatforms(entries: readonly Descriptor[]): string[] {
  const named = entries.filter(isImageEntry).flatMap(({ platform }) => platform ?? [])
  return [...new Set(named.map(formatPlatform))]
}

/** Attestations and signatures sit in an index beside the images they speak of. */
export function isImageEntry(entry: Descriptor): boolean {
  const isAttestation =
    entry.annotations?.get('vnd.docker.reference.type') === 'attestation-manifest' ||
    entry.platform?.os === 'unknown'
  const isDocument = isIndex(entry.mediaType) || isManifest(entry.mediaType)
  return isDocument && !isAttestation && entry.artifactType === undefined
}
