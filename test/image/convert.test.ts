import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib'
import { type ConvertRequest, convertImage } from '../../src/image/convert.ts'
import { nameImages } from '../../src/image/name-images.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { sha256Digest } from '../../src/oci/sha256.ts'
import { getImage } from '../../src/store/images.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { imageStores } from './image-server.ts'

const amd64 = { os: 'linux', architecture: 'amd64' }
const shared = tarOf(file('shared', 'shared'))

describe('convertImage', () => {
  let stores: ReturnType<typeof imageStores>

  before(() => {
    stores = imageStores()
  })
  after(() => stores.close())

  interface Document {
    readonly mediaType: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly config: { readonly mediaType: string; readonly digest: Digest }
    readonly layers: readonly {
      readonly mediaType: string
      readonly digest: Digest
      readonly size: number
      readonly annotations?: Readonly<Record<string, string>>
    }[]
    readonly manifests: readonly { readonly digest: Digest; readonly mediaType: string }[]
  }

  function write(document: object, mediaType: string): Descriptor {
    return stores.content.writeDocument(Buffer.from(JSON.stringify(document)), { mediaType })
  }

  function json({ mediaType, digest, sizeBytes }: Descriptor, further: object = {}): object {
    return { mediaType, digest, size: sizeBytes, ...further }
  }

  function read(digest: Digest): Document {
    return JSON.parse(stores.content.readDocument(digest, 1 << 20).toString())
  }

  /** Two layers, gzip and plain. */
  function makeManifest(architecture: string, diffIDs?: readonly string[]): Descriptor {
    const own = tarOf(file('own', architecture))
    const layers = [
      stores.content.writeDocument(gzipSync(shared), { mediaType: mediaTypes.dockerLayerGzip }),
      stores.content.writeDocument(own, { mediaType: mediaTypes.dockerLayer }),
    ]
    const diff_ids = diffIDs ?? [sha256Digest(shared), sha256Digest(own)]
    const config = write(
      { os: 'linux', architecture, rootfs: { type: 'layers', diff_ids } },
      mediaTypes.dockerConfig,
    )
    const mediaType = mediaTypes.dockerManifest
    return write(
      {
        schemaVersion: 2,
        mediaType,
        config: json(config),
        layers: layers.map((layer) =>
          json(layer, {
            annotations: { 'containerd.io/snapshot/stargz/toc.digest': 'x', kept: 'y' },
          }),
        ),
        annotations: { a: 'b' },
      },
      mediaType,
    )
  }

  function name(text: string, target: Descriptor): void {
    nameImages(stores, [{ target, references: [parseReference(text)] }])
  }

  function convert(source: string, request: Partial<ConvertRequest>): Promise<Digest> {
    return convertImage(stores, {
      source,
      reference: parseReference('made'),
      platforms: 'here',
      preferred: amd64,
      format: undefined,
      compression: undefined,
      ...request,
    })
  }

  function blob(digest: Digest): Buffer {
    return readFileSync(stores.content.blobPath(digest))
  }

  test('compresses anew, and keeps config, diffIDs and what else the manifest says', async () => {
    const before = makeManifest('amd64')
    name('plain', before)
    const digest = await convert('plain', { format: 'oci', compression: 'zstd' })
    const [old, made] = [read(before.digest), read(digest)]
    assert.equal(made.mediaType, mediaTypes.ociManifest)
    assert.equal(made.config.digest, old.config.digest)
    assert.equal(made.config.mediaType, mediaTypes.ociConfig)
    assert.deepEqual(made.annotations, { a: 'b' })
    assert.deepEqual(
      made.layers.map(({ mediaType }) => mediaType),
      [mediaTypes.ociLayerZstd, mediaTypes.ociLayerZstd],
    )
    assert.deepEqual(made.layers[0]?.annotations, { kept: 'y' })
    const [first] = made.layers
    assert.deepEqual(zstdDecompressSync(blob(first?.digest as Digest)), shared)
    assert.equal(first?.size, blob(first?.digest as Digest).length)
    const target = getImage(stores.database, 'default', 'docker.io/library/made:latest')?.target
    assert.equal(target?.digest, digest)
    assert.equal(target?.mediaType, mediaTypes.ociManifest)
  })

  test('there and back gives the same layers', async () => {
    name('plain', makeManifest('amd64'))
    await convert('plain', { compression: 'none', reference: parseReference('bare') })
    const digest = await convert('bare', { format: 'docker', compression: 'gzip' })
    const made = read(digest)
    assert.equal(made.mediaType, mediaTypes.dockerManifest)
    assert.deepEqual(gunzipSync(blob(made.layers[0]?.digest as Digest)), shared)
  })

  test('media types alone: the blobs stay', async () => {
    const before = makeManifest('amd64')
    name('plain', before)
    const made = read(await convert('plain', { format: 'oci' }))
    assert.deepEqual(
      made.layers.map((layer) => layer.digest),
      read(before.digest).layers.map((layer) => layer.digest),
    )
    assert.deepEqual(
      made.layers.map(({ mediaType }) => mediaType),
      [mediaTypes.ociLayerGzip, mediaTypes.ociLayer],
    )
    assert.ok(made.layers[0]?.annotations?.['containerd.io/snapshot/stargz/toc.digest'])
  })

  test('of an index the platforms that are here, without attestations', async () => {
    const [one, other] = [makeManifest('amd64'), makeManifest('arm64')]
    const absent = {
      mediaType: mediaTypes.dockerManifest,
      digest: `sha256:${'0'.repeat(64)}`,
      size: 1,
    }
    const mediaType = mediaTypes.dockerList
    const index = write(
      {
        schemaVersion: 2,
        mediaType,
        manifests: [
          json(one, { platform: amd64 }),
          json(other, { platform: { ...amd64, architecture: 'arm64' } }),
          { ...absent, platform: { ...amd64, architecture: 's390x' } },
          { ...absent, platform: { os: 'unknown', architecture: 'unknown' } },
        ],
      },
      mediaType,
    )
    name('many', index)
    const made = read(await convert('many', { compression: 'none' }))
    assert.equal(made.mediaType, mediaTypes.dockerList)
    assert.deepEqual(
      made.manifests.map((entry) => (entry as { platform?: object }).platform),
      [amd64, { ...amd64, architecture: 'arm64' }],
    )
    const layers = made.manifests.map(({ digest }) => read(digest).layers[0]?.digest)
    assert.equal(layers[0], sha256Digest(shared))
    assert.equal(layers[1], layers[0])
    const arm = read(
      await convert('many', { format: 'oci', platforms: [{ ...amd64, architecture: 'arm64' }] }),
    )
    assert.equal(arm.mediaType, mediaTypes.ociIndex)
    assert.equal(arm.manifests.length, 1)
    await assert.rejects(convert('many', { format: 'oci', platforms: 'all' }), {
      code: 'NOT_FOUND',
      message: /not here for linux\/s390x/,
    })
  })

  test('a layer that is not what the config says is refused, and the name stays', async () => {
    const wrong = `sha256:${'1'.repeat(64)}`
    name('wrong', makeManifest('riscv64', [wrong, wrong]))
    const before = getImage(stores.database, 'default', 'docker.io/library/made:latest')?.target
    await assert.rejects(convert('wrong', { compression: 'zstd' }), { code: 'DIGEST_MISMATCH' })
    const now = getImage(stores.database, 'default', 'docker.io/library/made:latest')?.target
    assert.deepEqual(now, before)
  })
})
