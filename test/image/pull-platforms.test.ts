import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { collectGarbage } from '../../src/gc/collect-garbage.ts'
import { findImage } from '../../src/image/find-image.ts'
import { readImageFacts } from '../../src/image/image-facts.ts'
import { type PullRequest, pullImage } from '../../src/image/pull.ts'
import { readImage } from '../../src/image/read-image.ts'
import { isUnpacked } from '../../src/image/unpack-local.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import type { Platform } from '../../src/oci/platform.ts'
import { listImages } from '../../src/store/images.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import {
  type AddedImage,
  asJson,
  type ImageServer,
  imageStores,
  startImageServer,
} from './image-server.ts'

const amd64 = { os: 'linux', architecture: 'amd64' }
const arm64 = { os: 'linux', architecture: 'arm64' }
const s390x = { os: 'linux', architecture: 's390x' }
const index = mediaTypes.ociIndex

let server: ImageServer
let stores: ReturnType<typeof imageStores>
let forAmd64: AddedImage
let forArm64: AddedImage
let forS390x: AddedImage

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
  const shared = tarOf(file('shared', 'shared'))
  const make = (architecture: string): AddedImage =>
    server.add(architecture, {
      layersBaseFirst: [shared, tarOf(file(architecture, architecture))],
      architecture,
    })
  forAmd64 = make('amd64')
  forArm64 = make('arm64')
  forS390x = make('s390x')
})
afterEach(async () => {
  stores.close()
  await server.close()
})

function pull(tag: string, more: Partial<PullRequest> = {}): ReturnType<typeof pullImage> {
  const reference = server.reference(tag)
  return pullImage(stores, { reference, platform: amd64, unpacks: true, ...more })
}

function entry({ manifest }: AddedImage, platform: Platform): object {
  return { ...asJson(manifest), platform }
}

function addIndex(tag: string, ...manifests: readonly object[]): Descriptor {
  return server.addDocument(tag, { schemaVersion: 2, mediaType: index, manifests }, index)
}

function addMulti(): Descriptor {
  return addIndex('multi', entry(forAmd64, amd64), entry(forArm64, arm64), entry(forS390x, s390x))
}

describe('pullImage of several platforms', () => {
  test('brings those that are named, and shares what they share', async () => {
    addMulti()
    const others = { platforms: [arm64], unpacks: false }
    const { name, image } = await pull('multi', { others })
    assert.equal(image.manifest.config.digest, forAmd64.config.digest)
    const { target } = findImage(stores, name, amd64)
    const local = readImage(stores, target, arm64)
    assert.equal(local.manifest.config.digest, forArm64.config.digest)
    assert.deepEqual([isUnpacked(stores, image), isUnpacked(stores, local)], [true, false])
    const [shared] = forAmd64.layersBaseFirst
    assert.equal(server.gets(String(shared?.digest)), 1)
    assert.equal(server.gets(forS390x.manifest.digest), 0)
    const all = readImageFacts(stores, [target], arm64).all(target)
    assert.deepEqual(
      all.map(({ config }) => config),
      [forArm64.config.digest, forAmd64.config.digest],
    )
  })

  test('is up to date only when none of it was missing', async () => {
    addMulti()
    assert.equal((await pull('multi')).wasUpToDate, false)
    assert.equal((await pull('multi')).wasUpToDate, true)
    const others = { platforms: [arm64], unpacks: false }
    assert.equal((await pull('multi', { others })).wasUpToDate, false)
    assert.equal((await pull('multi', { others })).wasUpToDate, true)
  })

  test('fails, and names nothing, if one of them is not offered', async () => {
    addIndex('two', entry(forAmd64, amd64), entry(forArm64, arm64))
    const others = { platforms: [s390x], unpacks: false }
    await assert.rejects(pull('two', { others }), {
      code: 'NOT_FOUND',
      hint: '--platform linux/amd64 or linux/arm64',
    })
    assert.deepEqual(listImages(stores.database), [])
  })

  test('all: attestations and what no tool of today knows come too, and gc leaves them', async () => {
    const statement = server.addBlob(Buffer.from('{}'), 'application/vnd.in-toto+json')
    const config = server.addBlob(Buffer.from('{"os":"unknown"}'), mediaTypes.ociConfig)
    const attestation = server.addDocument(
      'attestation',
      {
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: asJson(config),
        layers: [asJson(statement)],
      },
      mediaTypes.ociManifest,
    )
    const future = server.addDocument('future', { future: true }, 'application/vnd.future+json')
    addIndex(
      'attested',
      entry(forAmd64, amd64),
      entry(forArm64, arm64),
      {
        ...asJson(attestation),
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
      },
      asJson(future),
    )
    await pull('attested')
    assert.equal(server.gets(attestation.digest), 0)
    await pull('attested', { others: { platforms: 'all', unpacks: true } })
    collectGarbage(stores)
    for (const { digest } of [attestation, config, statement, future, forArm64.config]) {
      assert.ok(stores.content.stat(digest), digest)
    }
    assert.equal(stores.snapshots.walk().length, 3)
    await assert.rejects(pull('attestation'), { code: 'UNSUPPORTED' })
  })

  test('all: the wanted one need not be there', async () => {
    addIndex('foreign', entry(forArm64, arm64))
    const { image } = await pull('foreign', { others: { platforms: 'all', unpacks: false } })
    assert.equal(image.config.platform.architecture, 'arm64')
    assert.equal(isUnpacked(stores, image), false)
    addIndex('empty')
    const all = { platforms: 'all', unpacks: false } as const
    await assert.rejects(pull('empty', { others: all }), { code: 'NOT_FOUND' })
  })
})

describe('pullImage of an index', () => {
  test('goes into nested ones, with and without a platform', async () => {
    const inner = addIndex('inner', entry(forArm64, arm64))
    const other = addIndex('other', entry(forAmd64, amd64))
    addIndex('outer', asJson(inner), asJson(other))
    const { image } = await pull('outer')
    assert.equal(image.manifest.config.digest, forAmd64.config.digest)
    addIndex('named', { ...asJson(inner), platform: arm64 }, { ...asJson(other), platform: amd64 })
    assert.equal((await pull('named')).image.manifest.config.digest, forAmd64.config.digest)
  })

  test('looks into the configs of entries that name no platform', async () => {
    addIndex('unnamed', asJson(forS390x.manifest), asJson(forArm64.manifest))
    const { image } = await pull('unnamed', { platform: arm64 })
    assert.equal(image.manifest.config.digest, forArm64.config.digest)
    await assert.rejects(pull('unnamed'), {
      code: 'NOT_FOUND',
      hint: '--platform linux/s390x or linux/arm64',
    })
  })

  test('takes the nearest variant, and of equals the first', async () => {
    const v2 = server.add('v2', { layersBaseFirst: [], config: { User: 'v2' } })
    const second = server.add('second', { layersBaseFirst: [], config: { User: 'second' } })
    addIndex(
      'variants',
      entry(forArm64, { os: 'linux', architecture: '386' }),
      entry(v2, { ...amd64, variant: 'v2' }),
      entry(forAmd64, amd64),
      entry(second, amd64),
    )
    const configOf = async (platform: Platform): Promise<string> =>
      (await pull('variants', { platform })).image.manifest.config.digest
    assert.equal(await configOf(amd64), forAmd64.config.digest)
    assert.equal(await configOf({ ...amd64, variant: 'v2' }), v2.config.digest)
    assert.equal(await configOf({ ...amd64, variant: 'v3' }), v2.config.digest)
    assert.equal(await configOf({ os: 'linux', architecture: '386' }), forArm64.config.digest)
  })

  test('of a thousand levels is refused after eight', async () => {
    let inner = addIndex('level', entry(forAmd64, amd64))
    for (let level = 0; level < 20; level += 1) inner = addIndex('level', asJson(inner))
    await assert.rejects(pull('level'), { code: 'INVALID_ARGUMENT' })
    const all = { platforms: 'all', unpacks: false } as const
    await assert.rejects(pull('level', { others: all }), { code: 'INVALID_ARGUMENT' })
    const requests = server.server.requests.filter(({ url }) => url.includes('/manifests/'))
    assert.ok(requests.length <= 20, `${requests.length} requests`)
  })

  test('that names one other a thousand times asks for it once', async () => {
    const inner = addIndex('inner', entry(forArm64, arm64))
    addIndex('many', ...Array.from({ length: 1000 }, () => asJson(inner)))
    await assert.rejects(pull('many'), { code: 'NOT_FOUND' })
    assert.equal(server.gets(inner.digest), 1)
  })

  // No digest can be of a document that holds it, but a registry may send what it likes.
  test('that holds itself is refused', async () => {
    const digest = `sha256:${'a'.repeat(64)}`
    const self = {
      schemaVersion: 2,
      mediaType: index,
      manifests: [{ mediaType: index, digest, size: 9 }],
    }
    server.addDocument('self', self, index)
    server.overrides.set(digest, (_request, response) => {
      response.setHeader('content-type', index).end(JSON.stringify(self))
    })
    await assert.rejects(pull('self'), { code: 'DIGEST_MISMATCH' })
  })

  test('takes bytes that stand in a descriptor from there', async () => {
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: asJson(forAmd64.config),
        layers: forAmd64.layersBaseFirst.map(asJson),
      }),
    )
    const data = manifest.toString('base64')
    addIndex('inline', { ...entry(forAmd64, amd64), data })
    await pull('inline')
    assert.equal(server.gets(forAmd64.manifest.digest), 0)
    const wrong = Buffer.alloc(manifest.length, 'x').toString('base64')
    addIndex('wrong', { ...entry(forArm64, amd64), data: wrong })
    await assert.rejects(pull('wrong'), { code: 'DIGEST_MISMATCH' })
    addIndex('short', { ...entry(forArm64, amd64), data: 'eA==' })
    await assert.rejects(pull('short'), { code: 'INVALID_ARGUMENT' })
  })
})
