import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { findImages } from '../../src/image/find-image.ts'
import { localImages } from '../../src/image/local-images.ts'
import { pullImage } from '../../src/image/pull.ts'
import { tagImage } from '../../src/image/tag.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type AddedImage, type ImageServer, imageStores, startImageServer } from './image-server.ts'

const amd64 = { os: 'linux', architecture: 'amd64' }
const arm64 = { os: 'linux', architecture: 'arm64' }

let server: ImageServer
let stores: ReturnType<typeof imageStores>
let forAmd64: AddedImage
let forArm64: AddedImage

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
  forAmd64 = server.add('amd64', { layersBaseFirst: [tarOf(file('a', 'a'))] })
  forArm64 = server.add('arm64', {
    layersBaseFirst: [tarOf(file('b', 'b'))],
    architecture: 'arm64',
  })
  server.addIndex('both', [
    [forAmd64, 'amd64'],
    [forArm64, 'arm64'],
  ])
})
afterEach(async () => {
  stores.close()
  await server.close()
})

async function pull(tag: string, platform = amd64): Promise<string> {
  const reference = server.reference(tag)
  return (await pullImage(stores, { reference, platform, unpacks: false })).name
}

function found(text: string): string[] {
  return findImages(stores, text, amd64)
    .map(({ name }) => name)
    .sort()
}

describe('findImages', () => {
  test('by name, whole or familiar', async () => {
    const name = await pull('both')
    tagImage(stores, name, 'redis:7', amd64)
    assert.deepEqual(found(name), [name])
    assert.deepEqual(found('redis:7'), ['docker.io/library/redis:7'])
    assert.deepEqual(found('docker.io/library/redis:7'), ['docker.io/library/redis:7'])
    assert.throws(() => found('redis'), { code: 'NOT_FOUND' })
  })

  test('by the digest of config, manifest or index, or a start of it: all names', async () => {
    const name = await pull('both')
    const other = tagImage(stores, name, 'redis:7', amd64)
    const { target } = findImages(stores, name, amd64)[0] ?? {}
    for (const digest of [forAmd64.config.digest, forAmd64.manifest.digest, target?.digest ?? '']) {
      for (const text of [digest, digest.slice(7), digest.slice(7, 19), digest.slice(0, 19)]) {
        assert.deepEqual(found(text), [name, other].sort(), text)
      }
    }
  })

  test('by NAME@DIGEST where a tag of the repository points', async () => {
    const name = await pull('amd64')
    const digest = forAmd64.manifest.digest
    assert.deepEqual(found(`${server.server.host}/app@${digest}`), [name])
    assert.throws(() => found(`${server.server.host}/other@${digest}`), { code: 'NOT_FOUND' })
  })

  test('by the config of any platform that is here', async () => {
    const name = await pull('both', arm64)
    assert.deepEqual(found(forArm64.config.digest), [name])
    assert.throws(() => found(forAmd64.config.digest), { code: 'NOT_FOUND' })
  })

  test('a start of several images is refused', async () => {
    // Of 257 digests two begin with the same two digits.
    const starts = new Map<string, string>()
    let text: string | undefined
    for (let index = 0; text === undefined; index += 1) {
      const tag = `t${index}`
      const { config } = server.add(tag, { layersBaseFirst: [], config: { User: tag } })
      await pull(tag)
      const start = config.digest.slice(7, 9)
      if (starts.has(start)) text = start
      starts.set(start, tag)
    }
    assert.throws(() => found(text), { code: 'INVALID_ARGUMENT' })
    assert.throws(() => found(''), { code: 'NOT_FOUND' })
  })
})

describe('localImages', () => {
  test('gives each platform that is here, the wanted one first', async () => {
    const name = await pull('both', arm64)
    await pull('both')
    const [{ target } = assert.fail('no image')] = findImages(stores, name, amd64)
    const configs = (platform: typeof amd64): string[] =>
      localImages(stores, target, platform).map(({ manifest }) => manifest.config.digest)
    assert.deepEqual(configs(amd64), [forAmd64.config.digest, forArm64.config.digest])
    assert.deepEqual(configs(arm64), [forArm64.config.digest, forAmd64.config.digest])
  })

  test('a damaged document hides its own platform alone', async () => {
    const name = await pull('both', arm64)
    await pull('both')
    const path = stores.content.blobPath(forAmd64.config.digest)
    chmodSync(path, 0o600)
    writeFileSync(path, '{}')
    const [{ target } = assert.fail('no image')] = findImages(stores, name, amd64)
    const images = localImages(stores, target, amd64)
    assert.deepEqual(
      images.map(({ manifest }) => manifest.config.digest),
      [forArm64.config.digest],
    )
    assert.deepEqual(found(forArm64.config.digest), [name])
  })
})
