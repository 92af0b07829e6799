import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestHex } from '../oci/digest.ts'
import { mediaTypes } from '../oci/media-type.ts'
import { canonicalName, familiarName, type Reference } from '../oci/reference.ts'
import type { ArchiveEntry } from './write-archive.ts'

/** Annotations that name an image in an OCI layout. Source: OCI image-spec §annotations.md; containerd */
export const nameAnnotation = 'io.containerd.image.name'
export const refNameAnnotation = 'org.opencontainers.image.ref.name'

export interface ArchivedImage {
  readonly target: Pick<Descriptor, 'mediaType' | 'digest' | 'sizeBytes'>
  readonly references: readonly Reference[]
  /** The one platform that a docker-archive can speak of. */
  readonly config: Digest
  readonly layersBaseFirst: readonly Digest[]
}

export interface ArchivedBlob {
  readonly digest: Digest
  readonly sizeBytes: number
  readonly bytes: () => AsyncIterable<Buffer>
}

/** Where a blob is in an OCI layout. Source: OCI image-spec §image-layout.md */
export function blobName(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`
}

/**
 * Entries of an archive that is a docker-archive and an OCI layout at once, as docker has written
 * them since version 25: `manifest.json` names the very blobs of the layout.
 */
export function imageArchiveEntries(
  images: readonly ArchivedImage[],
  blobs: readonly ArchivedBlob[],
): ArchiveEntry[] {
  return [
    { name: 'blobs', kind: 'directory' },
    { name: 'blobs/sha256', kind: 'directory' },
    ...blobs.map(
      ({ digest, sizeBytes, bytes }): ArchiveEntry => ({
        name: blobName(digest),
        kind: 'file',
        sizeBytes,
        bytes,
      }),
    ),
    document('oci-layout', { imageLayoutVersion: '1.0.0' }),
    document('index.json', {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: images.flatMap(indexEntries),
    }),
    document('manifest.json', images.map(dockerEntry)),
  ]
}

/** One for each name. */
function indexEntries({ target, references }: ArchivedImage): object[] {
  const descriptor = { mediaType: target.mediaType, digest: target.digest, size: target.sizeBytes }
  if (references.length === 0) return [descriptor]
  return references.map((reference) => ({
    ...descriptor,
    annotations: {
      [nameAnnotation]: canonicalName(reference),
      ...(reference.tag === undefined ? {} : { [refNameAnnotation]: reference.tag }),
    },
  }))
}

function dockerEntry({ references, config, layersBaseFirst }: ArchivedImage): object {
  const tags = references.filter(({ digest }) => digest === undefined).map(familiarName)
  return {
    Config: blobName(config),
    RepoTags: tags.length === 0 ? null : tags,
    Layers: layersBaseFirst.map(blobName),
  }
}

function document(name: string, content: unknown): ArchiveEntry {
  const bytes = Buffer.from(`${JSON.stringify(content)}\n`)
  return { name, kind: 'file', sizeBytes: bytes.length, bytes: () => [bytes] }
}
