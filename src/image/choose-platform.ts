import { TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import {
  formatPlatform,
  isSamePlatform,
  type Platform,
  runnablePlatforms,
} from '../oci/platform.ts'

/**
 * The entry of an index that suits a platform best.
 *
 * @param entries  in the index's order; the first of equal matches wins
 * @throws         NOT_FOUND, naming what the index offers
 */
export function choosePlatform(
  entries: readonly Descriptor[],
  wanted: Platform,
  what: string,
): Descriptor {
  const images = entries.filter(isImageEntry)
  for (const platform of runnablePlatforms(wanted)) {
    const match = images.find(
      (entry) => entry.platform !== undefined && isSamePlatform(entry.platform, platform),
    )
    if (match !== undefined) return match
  }
  // A lone entry that names no platform was made for whoever pulls it.
  const [only, another] = images
  if (only !== undefined && another === undefined && only.platform === undefined) return only
  const offered = images.flatMap((entry) =>
    entry.platform === undefined ? [] : [formatPlatform(entry.platform)],
  )
  throw new TsctrError('NOT_FOUND', `${what}: no image for platform ${formatPlatform(wanted)}`, {
    hint: offered.length === 0 ? 'the index is empty' : `--platform ${offered.join(' or ')}`,
  })
}

/** Attestations and signatures sit in an index beside the images they speak of. */
function isImageEntry(entry: Descriptor): boolean {
  const isAttestation =
    entry.annotations?.get('vnd.docker.reference.type') === 'attestation-manifest' ||
    entry.platform?.os === 'unknown'
  return !isAttestation && entry.artifactType === undefined
}
