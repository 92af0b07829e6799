/** Media types of images. Source: OCI image-spec §media-types.md; docker image manifest v2 schema 2 */
export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const

export function isIndex(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList
}

export function isManifest(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest
}

export function isImageConfig(mediaType: string): boolean {
  return mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig
}

/** Whether a descriptor is a filesystem layer; foreign layers count. */
export function isLayer(mediaType: string): boolean {
  return (
    mediaType.startsWith('application/vnd.oci.image.layer.') ||
    mediaType.startsWith('application/vnd.docker.image.rootfs.')
  )
}

/** Whether a layer need not be in the registry: its bytes may lie where its `urls` say. */
export function isForeignLayer(mediaType: string): boolean {
  return (
    mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.') ||
    mediaType.startsWith('application/vnd.docker.image.rootfs.foreign.')
  )
}

/** Whose media types a manifest and what it names have. */
export type ImageFormat = 'docker' | 'oci'
export type LayerCompression = 'gzip' | 'zstd' | 'none'

export const formatTypes = {
  docker: {
    index: mediaTypes.dockerList,
    manifest: mediaTypes.dockerManifest,
    config: mediaTypes.dockerConfig,
    layer: {
      none: mediaTypes.dockerLayer,
      gzip: mediaTypes.dockerLayerGzip,
      zstd: mediaTypes.dockerLayerZstd,
    },
  },
  oci: {
    index: mediaTypes.ociIndex,
    manifest: mediaTypes.ociManifest,
    config: mediaTypes.ociConfig,
    layer: {
      none: mediaTypes.ociLayer,
      gzip: mediaTypes.ociLayerGzip,
      zstd: mediaTypes.ociLayerZstd,
    },
  },
} as const

/** What the media type says a layer is compressed with; undefined for a foreign or an unknown one. */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  const all: readonly LayerCompression[] = ['none', 'gzip', 'zstd']
  return all.find((compression) =>
    [formatTypes.docker, formatTypes.oci].some(({ layer }) => layer[compression] === mediaType),
  )
}

/** The same layer's media type in a format; one that has no other name stays what it is. */
export function layerTypeIn(format: ImageFormat, mediaType: string): string {
  const compression = layerCompression(mediaType)
  return compression === undefined ? mediaType : formatTypes[format].layer[compression]
}
