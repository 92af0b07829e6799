import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { hostPlatform } from '../../src/host/platform.ts'
import { type EnsureImageRequest, ensureImage } from '../../src/image/ensure-image.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type AddedImage, type ImageServer, imageStores, startImageServer } from './image-server.ts'

let server: ImageServer
let stores: ReturnType<typeof imageStores>
let image: AddedImage
let reference: string
let announced: string[]

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
  image = server.add('1', {
    layersBaseFirst: [tarOf(file('a', 'a')), tarOf(file('b', 'b'))],
    architecture: hostPlatform().architecture,
  })
  reference = `${server.server.host}/app:1`
  announced = []
})
afterEach(async () => {
  stores.close()
  await server.close()
})

function ensure(more: Partial<EnsureImageRequest> = {}): ReturnType<typeof ensureImage> {
  return ensureImage(stores, {
    reference,
    platform: hostPlatform(),
    policy: 'missing',
    onPull: (name) => announced.push(name),
    ...more,
  })
}

function forgetSnapshots(): void {
  for (const { key } of stores.snapshots.walk().toReversed()) stores.snapshots.remove(key)
}

describe('ensureImage', () => {
  test('pulls what is missing, and says so first', async () => {
    const { name, local } = await ensure()
    assert.equal(name, reference)
    assert.equal(local.manifest.config.digest, image.config.digest)
    assert.deepEqual(announced, [reference])
  })

  test('asks no registry for what is here, by whatever name', async () => {
    await ensure()
    const asked = server.server.requests.length
    const id = image.config.digest
    for (const text of [reference, id, id.slice(7, 19), image.manifest.digest]) {
      const { name, local } = await ensure({ reference: text, policy: 'never' })
      assert.equal(name, reference)
      assert.equal(local.manifest.config.digest, id)
    }
    assert.equal(server.server.requests.length, asked)
    assert.equal(announced.length, 1)
  })

  test('always asks the registry, and takes what the name means now', async () => {
    await ensure()
    const moved = server.add('1', { layersBaseFirst: [tarOf(file('c', 'c'))] })
    assert.equal((await ensure()).local.manifest.config.digest, image.config.digest)
    const { local } = await ensure({ policy: 'always' })
    assert.equal(local.manifest.config.digest, moved.config.digest)
  })

  test('never pulls, when told so', async () => {
    await assert.rejects(ensure({ policy: 'never' }), { code: 'NOT_FOUND' })
    assert.deepEqual(server.server.requests, [])
    assert.deepEqual(announced, [])
  })

  test('unpacks what was pulled without, from the blobs that are here', async () => {
    const { local } = await ensure()
    forgetSnapshots()
    const asked = server.server.requests.length
    const again = await ensure({ policy: 'never' })
    assert.equal(stores.snapshots.stat(String(again.local.chainID)).kind, 'committed')
    assert.equal(again.local.chainID, local.chainID)
    assert.equal(server.server.requests.length, asked)
    assert.deepEqual(stores.database.prepare('SELECT * FROM lease').all(), [])
  })

  test('fetches layers again that are neither unpacked nor here', async () => {
    await ensure()
    forgetSnapshots()
    const [layer] = image.layersBaseFirst
    if (layer !== undefined) stores.content.remove(layer.digest)
    await ensure()
    assert.equal(server.gets(String(layer?.digest)), 2)
    assert.equal(stores.snapshots.walk().length, 2)
  })

  test('a text that is no reference and no id of anything here is refused', async () => {
    await assert.rejects(ensure({ reference: 'f'.repeat(64) }), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(ensure({ reference: 'Not A Name' }), { code: 'INVALID_ARGUMENT' })
  })
})
