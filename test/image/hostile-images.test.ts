import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { TsctrError } from '../../src/errors.ts'
import { pullImage } from '../../src/image/pull.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { listImages } from '../../src/store/images.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { asJson, type ImageServer, imageStores, startImageServer } from './image-server.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const layer = tarOf(file('a', 'a'))

let server: ImageServer
let stores: ReturnType<typeof imageStores>

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
})
afterEach(async () => {
  stores.close()
  await server.close()
})

function pull(tag: string): ReturnType<typeof pullImage> {
  return pullImage(stores, { reference: server.reference(tag), platform, unpacks: true })
}

/** The code and the words of the failure; nothing of the image may be left. */
async function refusal(tag: string): Promise<string> {
  try {
    await pull(tag)
  } catch (error) {
    assert.ok(error instanceof TsctrError, String((error as Error).stack))
    assert.deepEqual(listImages(stores.database), [])
    assert.deepEqual(stores.snapshots.walk(), [])
    assert.deepEqual(stores.content.ingests(), [])
    return `${error.code} ${(error.cause as Error).message}`
  }
  assert.fail('it was pulled')
}

// Fault list, b3 29: what is wrong with content. 30 and 31 are further below.
describe('a blob that is not what its descriptor says', () => {
  for (const [what, bytes, words] of [
    ['short', layer.subarray(0, 100), /^DIGEST_MISMATCH blob .*: expected \d+ bytes, got 100$/],
    [
      'long',
      Buffer.concat([layer, layer]),
      /^DIGEST_MISMATCH blob .*: expected \d+ bytes, got more/,
    ],
    [
      'another',
      Buffer.alloc(layer.length),
      /^DIGEST_MISMATCH blob .*: expected sha256:.*, got sha/,
    ],
  ] as const) {
    test(what, async () => {
      const { layersBaseFirst } = server.add('1', { layersBaseFirst: [layer] })
      server.overrides.set(String(layersBaseFirst[0]?.digest), (_request, response) => {
        response.end(bytes)
      })
      assert.match(await refusal('1'), words)
    })
  }

  for (const [what, change] of [
    ['below', -1],
    ['above', 1],
  ] as const) {
    test(`a size ${what} the true one`, async () => {
      const { config, layersBaseFirst } = server.add('true', { layersBaseFirst: [layer] })
      const layers = layersBaseFirst.map((each) =>
        asJson({ ...each, sizeBytes: each.sizeBytes + change }),
      )
      const mediaType = mediaTypes.ociManifest
      server.addDocument(
        '1',
        { schemaVersion: 2, mediaType, config: asJson(config), layers },
        mediaType,
      )
      assert.match(await refusal('1'), /^DIGEST_MISMATCH blob .*: expected \d+ bytes, got/)
    })
  }
})

describe('layers and diff_ids', () => {
  test('of different numbers, or of other bytes, are refused in words', async () => {
    server.add('few', { layersBaseFirst: [layer], diffIDs: [] })
    assert.match(await refusal('few'), /^INVALID_ARGUMENT config .*: 0 diff_ids for 1 layers$/)
    const digest = `sha256:${'0'.repeat(64)}`
    server.add('many', { layersBaseFirst: [layer], diffIDs: [digest, digest] })
    assert.match(await refusal('many'), /: 2 diff_ids for 1 layers$/)
    server.add('wrong', { layersBaseFirst: [layer], diffIDs: [digest] })
    assert.match(await refusal('wrong'), /^DIGEST_MISMATCH layer 1 of 1: expected diffID/)
    server.add('path', { layersBaseFirst: [layer], diffIDs: ['sha256:../../x'] })
    assert.match(await refusal('path'), /^INVALID_ARGUMENT digest "sha256:\.\.\/\.\.\/x"/)
  })

  test('none, one twice, and more than overlay takes in one go, are pulled', async () => {
    server.add('none', { layersBaseFirst: [] })
    assert.equal((await pull('none')).image.chainID, undefined)
    server.add('twice', { layersBaseFirst: [layer, layer] })
    await pull('twice')
    assert.equal(stores.snapshots.walk().length, 2)
    const many = Array.from({ length: 130 }, (_, index) => tarOf(file(`f${index}`, 'x')))
    server.add('many', { layersBaseFirst: many })
    await pull('many')
    assert.equal(stores.snapshots.walk().length, 132)
  })
})

// b3 31: oversize.
test('documents beyond all bounds are given up while they arrive', async () => {
  server.overrides.set('big', (_request, response) => {
    response.setHeader('content-type', mediaTypes.ociManifest).end(Buffer.alloc(4_194_305, ' '))
  })
  assert.match(await refusal('big'), /longer than 4194304 bytes$/)
  const { layersBaseFirst } = server.add('1', { layersBaseFirst: [layer] })
  const config = server.addBlob(Buffer.alloc(8 * 1024 * 1024 + 1, ' '), mediaTypes.ociConfig)
  const mediaType = mediaTypes.ociManifest
  const layers = layersBaseFirst.map(asJson)
  server.addDocument(
    'config',
    { schemaVersion: 2, mediaType, config: asJson(config), layers },
    mediaType,
  )
  assert.match(await refusal('config'), /^INVALID_ARGUMENT blob .* bytes are more than 8388608$/)
})

// b3 30.
test('artifacts and schema 1 are refused by name', async () => {
  const mediaType = mediaTypes.ociManifest
  const config = server.addBlob(Buffer.from('{}'), 'application/vnd.cncf.helm.config.v1+json')
  server.addDocument(
    'chart',
    { schemaVersion: 2, mediaType, config: asJson(config), layers: [] },
    mediaType,
  )
  assert.match(await refusal('chart'), /^UNSUPPORTED manifest .*: is an artifact \(.*helm/)
  server.addDocument('old', { schemaVersion: 1, name: 'old' }, mediaTypes.dockerSchema1Signed)
  assert.match(await refusal('old'), /^UNSUPPORTED manifest .*: docker schema 1 images are not/)
})
