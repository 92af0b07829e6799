import { TsctrError } from '../errors.ts'

/** `sha256:<64 hex>` of bytes as stored. */
export type Digest = string & { readonly __brand: 'Digest' }
/** Digest of a layer's uncompressed tar. Source: OCI image-spec §config.md#layer-diffid */
export type DiffID = Digest & { readonly __diffID: true }
/** Digest naming a stack of layers up to one. Source: OCI image-spec §config.md#layer-chainid */
export type ChainID = Digest & { readonly __chainID: true }

const sha256Form = /^sha256:[0-9a-f]{64}$/
const anyAlgorithm = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/

/**
 * Check a digest before it becomes part of any path or URL.
 *
 * @throws  UNSUPPORTED for another algorithm than sha256, INVALID_ARGUMENT for anything else
 * Source: OCI image-spec §descriptor.md#digests
 */
export function parseDigest(text: unknown): Digest {
  if (typeof text === 'string' && sha256Form.test(text)) return text as Digest
  const shown = JSON.stringify(text)?.slice(0, 100) ?? 'undefined'
  if (typeof text === 'string' && anyAlgorithm.test(text) && !text.startsWith('sha256:')) {
    throw new TsctrError('UNSUPPORTED', `digest ${shown}: only sha256 is supported`)
  }
  throw new TsctrError('INVALID_ARGUMENT', `digest ${shown}: must be sha256: and 64 hex digits`)
}

/** The 64 hex digits after the algorithm. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length)
}
