import type { DiffID } from '../../src/oci/digest.ts'
import { digestHex } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { sha256Digest } from '../../src/oci/sha256.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'

/** Names and bytes of the files in an archive; order counts. */
export type ArchiveFiles = readonly (readonly [name: string, bytes: Buffer | string])[]

export interface BuiltImage {
  readonly blobs: ArchiveFiles
  readonly config: Buffer
  readonly manifest: JsonDescriptor
  readonly layersBaseFirst: readonly Buffer[]
}

export interface JsonDescriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: object
  readonly annotations?: Readonly<Record<string, string>>
}

export interface ImageOptions {
  readonly layersBaseFirst?: readonly Buffer[]
  readonly diffIDs?: readonly string[]
  readonly architecture?: string
  readonly layerMediaType?: string
}

/** A plain layer with one file in it. */
export function layerOf(text: string): Buffer {
  return tarOf(file(`etc/${text}`, text))
}

export function buildImage(options: ImageOptions = {}): BuiltImage {
  const layersBaseFirst = options.layersBaseFirst ?? [layerOf('base'), layerOf('top')]
  const diffIDs = options.diffIDs ?? (layersBaseFirst.map(sha256Digest) as DiffID[])
  const architecture = options.architecture ?? 'amd64'
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: diffIDs } }),
  )
  const layerType = options.layerMediaType ?? mediaTypes.ociLayer
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: descriptorOf(config, mediaTypes.ociConfig),
      layers: layersBaseFirst.map((layer) => descriptorOf(layer, layerType)),
    }),
  )
  return {
    blobs: [...layersBaseFirst, config, manifest].map(blobFile),
    config,
    manifest: descriptorOf(manifest, mediaTypes.ociManifest),
    layersBaseFirst,
  }
}

export function descriptorOf(bytes: Buffer, mediaType: string): JsonDescriptor {
  return { mediaType, digest: sha256Digest(bytes), size: bytes.length }
}

export function blobFile(bytes: Buffer): readonly [string, Buffer] {
  return [`blobs/sha256/${digestHex(sha256Digest(bytes))}`, bytes]
}

/** An index as a blob, and what points at it. */
export function buildIndex(manifests: readonly JsonDescriptor[]): {
  blob: readonly [string, Buffer]
  target: JsonDescriptor
} {
  const mediaType = mediaTypes.ociIndex
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }))
  return { blob: blobFile(bytes), target: descriptorOf(bytes, mediaType) }
}

export function named(descriptor: JsonDescriptor, name: string): JsonDescriptor {
  return { ...descriptor, annotations: { 'io.containerd.image.name': name } }
}

/** `index.json` and `oci-layout`. */
export function layoutFiles(manifests: readonly JsonDescriptor[]): ArchiveFiles {
  return [
    ['index.json', JSON.stringify({ schemaVersion: 2, manifests })],
    ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
  ]
}

/** A docker-archive in the form of docker 1.10 to 24. */
export function dockerFiles(image: BuiltImage, tags: readonly string[] | null): ArchiveFiles {
  const configName = `${digestHex(sha256Digest(image.config))}.json`
  const layers = image.layersBaseFirst.map((_, index) => `${index}aa/layer.tar`)
  const parts = image.layersBaseFirst.flatMap(
    (layer, index): ArchiveFiles => [
      [`${index}aa/VERSION`, '1.0'],
      [`${index}aa/json`, '{}'],
      [`${index}aa/layer.tar`, layer],
    ],
  )
  const manifest = [{ Config: configName, RepoTags: tags, Layers: layers }]
  return [
    ...parts,
    [configName, image.config],
    ['manifest.json', JSON.stringify(manifest)],
    ['repositories', '{"app":{}}'],
  ]
}

export function archiveOf(...files: ArchiveFiles): Buffer {
  return tarOf(...files.map(([name, bytes]) => file(name, bytes)))
}
