import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import type { DockerImage } from '../archive/docker-manifest.ts'
import { shownName } from '../archive/entry-name.ts'
import { TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { DiffID } from '../oci/digest.ts'
import { type ImageConfig, parseImageConfig } from '../oci/image-config.ts'
import { maxConfigBytes } from '../oci/image-manifest.ts'
import { mediaTypes } from '../oci/media-type.ts'
import { formatPlatform, type Platform, platformRank } from '../oci/platform.ts'
import type { ArchiveRequest, CommitImage } from './archived-images.ts'
import { readImage } from './read-image.ts'
import type { ArchivedFile, StagedArchive } from './stage-archive.ts'
import type { ImageStores } from './stores.ts'
import { writeImage } from './write-image.ts'

type Stores = Pick<ImageStores, 'content'>

/**
 * Judge an image of a docker-archive. It has no manifest, so one is written: of the config and the
 * layers exactly as they are in the archive. Compressing plain layers would take long, and give
 * other digests with each version of the compressor.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT, DIGEST_MISMATCH for a plain layer that is not the config's
 */
export function dockerImage(
  stores: Stores,
  archive: StagedArchive,
  image: DockerImage,
  request: ArchiveRequest,
): CommitImage {
  const { what, platforms, lease, preferred } = request
  const fileNamed = (name: string): ArchivedFile => {
    const file = archive.file(name)
    if (file !== undefined) return file
    const problem = `manifest.json: ${shownName(name)} is not in the archive`
    throw new TsctrError('INVALID_ARGUMENT', `${what}: ${problem}`)
  }
  const configBytes = readWhole(stores, fileNamed(image.config), `${what}: ${image.config}`)
  const config = parseImageConfig(configBytes, `${what}: ${shownName(image.config)}`)
  const files = image.layersBaseFirst.map(fileNamed)
  const layers = files.map((file) => layerOf(stores, file))
  checkLayers(config, layers, what)
  if (typeof platforms !== 'string') checkPlatform(config.platform, platforms, what)
  return () => {
    lease.hold('blob', ...layers.map(({ digest }) => digest))
    stores.content.commitAllStaged(
      files.flatMap(({ staged }, index) =>
        staged === undefined ? [] : [{ staged, mediaType: layers[index]?.mediaType ?? '' }],
      ),
    )
    const target = writeImage(stores, { config: configBytes, layersBaseFirst: layers }, lease)
    const local = readImage(stores, target, preferred)
    return {
      target,
      references: image.references,
      id: local.manifest.config.digest,
      unpacked: [local],
    }
  }
}

function readWhole(stores: Stores, file: ArchivedFile, where: string): Buffer {
  const { digest, sizeBytes, staged } = file
  if (staged === undefined) return stores.content.readDocument(digest, maxConfigBytes)
  if (sizeBytes <= maxConfigBytes) return readFileSync(staged.path)
  const problem = `${sizeBytes} bytes are more than ${maxConfigBytes}`
  throw new TsctrError('INVALID_ARGUMENT', `${where}: ${problem}`)
}

function layerOf(stores: Stores, { digest, sizeBytes, staged }: ArchivedFile): Descriptor {
  const mediaType = sniffLayer(staged?.path ?? stores.content.blobPath(digest))
  return { mediaType, digest, sizeBytes }
}

/** Source: RFC 1952 §2.3.1, RFC 8878 §3.1 */
function sniffLayer(path: string): string {
  const magic = Buffer.alloc(4)
  const fd = openSync(path, 'r')
  try {
    readSync(fd, magic, 0, magic.length, 0)
  } finally {
    closeSync(fd)
  }
  if (magic.readUInt16LE(0) === 0x8b1f) return mediaTypes.ociLayerGzip
  return magic.readUInt32LE(0) === 0xfd2fb528 ? mediaTypes.ociLayerZstd : mediaTypes.ociLayer
}

/** A plain layer's digest is its diffID; packed ones are compared when they are unpacked. */
function checkLayers(config: ImageConfig, layers: readonly Descriptor[], what: string): void {
  const { diffIDs } = config
  if (diffIDs.length !== layers.length) {
    const problem = `the config has ${diffIDs.length} diff_ids for ${layers.length} layers`
    throw new TsctrError('INVALID_ARGUMENT', `${what}: ${problem}`)
  }
  for (const [index, { mediaType, digest }] of layers.entries()) {
    const diffID = diffIDs[index] as DiffID
    if (mediaType !== mediaTypes.ociLayer || digest === diffID) continue
    const where = `layer ${index + 1} of ${layers.length}`
    const message = `${what}: ${where}: expected diffID ${diffID}, got ${digest}`
    throw new TsctrError('DIGEST_MISMATCH', message)
  }
}

function checkPlatform(found: Platform, wanted: readonly Platform[], what: string): void {
  if (wanted.some((platform) => platformRank(platform, found) !== undefined)) return
  const asked = wanted.map(formatPlatform).join(', ')
  throw new TsctrError('NOT_FOUND', `${what}: no image for platform ${asked}`, {
    hint: `--platform ${formatPlatform(found)}`,
  })
}
