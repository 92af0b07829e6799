import type { Descriptor } from '../oci/descriptor.ts'
import { formatTypes, type ImageFormat, layerTypeIn } from '../oci/media-type.ts'
import { sha256Digest } from '../oci/sha256.ts'
import type { Lease } from '../store/leases.ts'
import type { ImageStores } from './stores.ts'

export interface NewImageParts {
  /** The config document, as it is to be stored. */
  readonly config: Buffer
  /** In the content store already, and held. */
  readonly layersBaseFirst: readonly Descriptor[]
  /** Whose media types; OCI's unless given. */
  readonly format?: ImageFormat | undefined
}

/**
 * Write config and manifest of an image that was made here. It has no name yet: the lease holds it.
 *
 * The same parts give the same manifest, byte for byte.
 *
 * @returns  the manifest's descriptor
 */
export function writeImage(
  stores: Pick<ImageStores, 'content'>,
  parts: NewImageParts,
  lease: Lease,
): Descriptor {
  const format = parts.format ?? 'oci'
  const types = formatTypes[format]
  const config = writeHeld(stores, lease, parts.config, types.config)
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: asJson(config),
    layers: parts.layersBaseFirst.map((layer) =>
      asJson({ ...layer, mediaType: layerTypeIn(format, layer.mediaType) }),
    ),
  }
  return writeHeld(stores, lease, Buffer.from(JSON.stringify(manifest)), types.manifest)
}

function writeHeld(
  stores: Pick<ImageStores, 'content'>,
  lease: Lease,
  bytes: Buffer,
  mediaType: string,
): Descriptor {
  lease.hold('blob', sha256Digest(bytes))
  return stores.content.writeDocument(bytes, { mediaType })
}

function asJson({ mediaType, digest, sizeBytes }: Descriptor): object {
  return { mediaType, digest, size: sizeBytes }
}
