import { buffer } from 'node:stream/consumers'
import { TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import { maxConfigBytes, parseChildren } from '../oci/image-manifest.ts'
import { isImageConfig, isIndex } from '../oci/media-type.ts'
import type { Platform } from '../oci/platform.ts'
import type { Reference } from '../oci/reference.ts'
import { sha256Digest } from '../oci/sha256.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { ImageStores } from './stores.ts'

/** A document as its registry has it. */
export interface RemoteDocument {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

type Registries = Pick<ImageStores, 'registry'>

/** What a reference points at in its registry; nothing is stored. @throws as RegistryClient.resolve */
export async function fetchRemoteDocument(
  stores: Registries,
  reference: Reference,
  signal: AbortSignal,
): Promise<RemoteDocument> {
  const registry = await stores.registry()
  return registry.resolve(reference, signal)
}

/** The manifests of an index, in its order; of a manifest, itself with the platform its config names. */
export async function fetchRemoteManifests(
  stores: Registries,
  reference: Reference,
  document: RemoteDocument,
  signal: AbortSignal,
): Promise<RemoteDocument[]> {
  const registry = await stores.registry()
  const { descriptor, bytes } = document
  const children = parseChildren(bytes, descriptor.mediaType, `manifest ${descriptor.digest}`)
  if (!isIndex(descriptor.mediaType)) {
    const config = children.find(({ mediaType }) => isImageConfig(mediaType))
    if (config === undefined) return [document]
    const platform = await platformOf(registry, reference, config, signal)
    return [{ bytes, descriptor: { ...descriptor, platform } }]
  }
  const manifests: RemoteDocument[] = []
  for (const child of children) {
    manifests.push({
      descriptor: child,
      bytes: await registry.fetchManifest(reference, child, signal),
    })
  }
  return manifests
}

async function platformOf(
  registry: RegistryClient,
  reference: Reference,
  config: Descriptor,
  signal: AbortSignal,
): Promise<Platform> {
  const what = `config ${config.digest}`
  if (config.sizeBytes > maxConfigBytes) {
    const message = `${what}: ${config.sizeBytes} bytes are more than ${maxConfigBytes}`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  const { stream } = await registry.openBlob(reference, config, 0, signal)
  const bytes = await buffer(stream)
  const digest = sha256Digest(bytes)
  if (digest === config.digest) return parseImageConfig(bytes, what).platform
  throw new TsctrError('DIGEST_MISMATCH', `${what}: expected ${config.digest}, got ${digest}`)
}
