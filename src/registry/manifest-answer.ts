import { hasCode, TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { maxManifestBytes } from '../oci/image-manifest.ts'
import { field, parseJsonObject } from '../oci/json-document.ts'
import { mediaTypes } from '../oci/media-type.ts'
import { sha256Digest } from '../oci/sha256.ts'
import { readBody } from './registry-error.ts'
import type { HttpResponse } from './transport.ts'

export interface FetchedManifest {
  /** As sent: a digest is of these, never of JSON written again. */
  readonly bytes: Buffer
  readonly descriptor: Descriptor
}

const manifestTypes: ReadonlySet<string> = new Set([
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  mediaTypes.dockerSchema1,
  mediaTypes.dockerSchema1Signed,
])

/** What a client understands; a registry may convert for one that does not say so. */
export const manifestAccept = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  '*/*;q=0.1',
].join(', ')

/**
 * Read a manifest or an index that a registry sent.
 *
 * @param expected  the digest asked for; undefined when a tag was
 * @throws          DIGEST_MISMATCH if the bytes are not what was asked for, or not what the registry
 *                  itself says they are; UNAVAILABLE above the size limit
 */
export async function readManifestAnswer(
  response: HttpResponse,
  what: string,
  expected: Digest | undefined,
): Promise<FetchedManifest> {
  const bytes = await readBody(response, maxManifestBytes, what)
  const digest = sha256Digest(bytes)
  const claimed = response.header('docker-content-digest')
  for (const wanted of [expected, claimed]) {
    const isComparable = typeof wanted === 'string' && wanted.startsWith('sha256:')
    if (isComparable && wanted !== digest) {
      throw new TsctrError(
        'DIGEST_MISMATCH',
        `${what}: expected ${wanted.slice(0, 71)}, got ${digest}`,
      )
    }
  }
  const mediaType = sentMediaType(response) ?? ownMediaType(bytes, what)
  return { bytes, descriptor: { mediaType, digest, sizeBytes: bytes.length } }
}

function sentMediaType(response: HttpResponse): string | undefined {
  const [type = ''] = (response.header('content-type') ?? '').split(';')
  const mediaType = type.trim().toLowerCase()
  return manifestTypes.has(mediaType) ? mediaType : undefined
}

/** The document's word counts where the server says only `application/json`, or nothing. */
function ownMediaType(bytes: Buffer, what: string): string {
  try {
    const mediaType = field(parseJsonObject(bytes, what), 'mediaType')
    return typeof mediaType === 'string' ? mediaType : ''
  } catch (error) {
    if (!hasCode(error, 'INVALID_ARGUMENT')) throw error
    throw new TsctrError('UNAVAILABLE', `${what}: the registry's answer is no manifest`)
  }
}
