import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../../src/errors.ts'
import { chainIDs } from '../../src/oci/chain-id.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import type { ChainID, DiffID, Digest } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { sha256Digest } from '../../src/oci/sha256.ts'
import { putImage } from '../../src/store/images.ts'
import { ensureNamespace } from '../../src/store/namespaces.ts'
import type { Stores } from '../helpers/stores.ts'

/** An image as a pull leaves it. */
export interface MadeImage {
  readonly manifest: Descriptor
  readonly config: Digest
  readonly layersBaseFirst: readonly Digest[]
  readonly chainIDs: readonly ChainID[]
}

/** Put a one-platform image with the given layers' bytes into the stores; it has no name yet. */
export function makeImage(stores: Stores, layersBaseFirst: readonly string[]): MadeImage {
  const bytes = layersBaseFirst.map((layer) => Buffer.from(layer))
  const layers = bytes.map((layer) =>
    stores.content.writeDocument(layer, { mediaType: mediaTypes.ociLayer }),
  )
  const diffIDs = bytes.map(sha256Digest) as DiffID[]
  const config = writeJson(stores, mediaTypes.ociConfig, {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: diffIDs },
  })
  const manifest = writeJson(stores, mediaTypes.ociManifest, {
    schemaVersion: 2,
    config: asJson(config),
    layers: layers.map(asJson),
  })
  const chain = chainIDs(diffIDs)
  for (const [index, chainID] of chain.entries()) {
    unpack(stores, chainID, chain[index - 1], layersBaseFirst[index] ?? '')
  }
  return {
    manifest,
    config: config.digest,
    layersBaseFirst: layers.map(({ digest }) => digest),
    chainIDs: chain,
  }
}

/** Put an index into the content store; what it lists need not be there. */
export function makeIndex(stores: Stores, manifests: readonly Descriptor[]): Descriptor {
  const document = { schemaVersion: 2, manifests: manifests.map(asJson) }
  return writeJson(stores, mediaTypes.ociIndex, document)
}

/** Name a target in the namespace `default`. */
export function nameImage(stores: Stores, name: string, target: Descriptor): void {
  ensureNamespace(stores.database, 'default')
  putImage(stores.database, { namespace: 'default', name, target })
}

/** Digests of all that a made image has in the content store. */
export function blobsOf(image: MadeImage): Digest[] {
  return [image.manifest.digest, image.config, ...image.layersBaseFirst]
}

function unpack(stores: Stores, name: ChainID, parent: ChainID | undefined, text: string): void {
  try {
    stores.snapshots.stat(name)
    return
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
  }
  const key = `extract ${name}`
  stores.snapshots.prepare(key, undefined)
  const [directory = ''] = stores.snapshots.directoriesTopFirst(key)
  mkdirSync(join(directory, 'etc'))
  writeFileSync(join(directory, 'etc', 'layer'), text)
  stores.snapshots.commit(name, key, parent === undefined ? {} : { parent })
}

function writeJson(stores: Stores, mediaType: string, document: object): Descriptor {
  const bytes = Buffer.from(JSON.stringify({ mediaType, ...document }))
  return stores.content.writeDocument(bytes, { mediaType })
}

function asJson({ mediaType, digest, sizeBytes }: Descriptor): object {
  return { mediaType, digest, size: sizeBytes }
}
