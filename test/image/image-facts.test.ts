import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { readImageFacts } from '../../src/image/image-facts.ts'
import { pullImage } from '../../src/image/pull.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type AddedImage, type ImageServer, imageStores, startImageServer } from './image-server.ts'

const amd64 = { os: 'linux', architecture: 'amd64' }
const arm64 = { os: 'linux', architecture: 'arm64' }

let server: ImageServer
let stores: ReturnType<typeof imageStores>
let forAmd64: AddedImage
let forArm64: AddedImage
let index: Descriptor

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
  forAmd64 = server.add('amd64', {
    layersBaseFirst: [tarOf(file('a', 'a'))],
    config: { Labels: { ['__proto__']: 'data' } },
  })
  forArm64 = server.add('arm64', { layersBaseFirst: [], architecture: 'arm64' })
  index = server.addIndex('both', [
    [forAmd64, 'amd64'],
    [forArm64, 'arm64'],
  ])
})
afterEach(async () => {
  stores.close()
  await server.close()
})

async function pull(platform = amd64): Promise<void> {
  await pullImage(stores, { reference: server.reference('both'), platform, unpacks: false })
}

function configs(wanted: typeof amd64): string[] {
  const facts = readImageFacts(stores, [index], wanted).all(index)
  return facts.map(({ config }) => config)
}

describe('readImageFacts', () => {
  test('tells what the config says; a second time from the database alone', async () => {
    await pull()
    const [first] = readImageFacts(stores, [index], amd64).all(index)
    assert.equal(first?.config, forAmd64.config.digest)
    assert.equal(first.labels.get('__proto__'), 'data')
    const [layer] = forAmd64.layersBaseFirst
    assert.deepEqual(first.layersBaseFirst, [layer?.digest])
    assert.equal(first.blobBytes, forAmd64.config.sizeBytes + (layer?.sizeBytes ?? 0))
    for (const digest of [index.digest, first.manifest, first.config]) {
      rmSync(stores.content.blobPath(digest))
    }
    const [again] = readImageFacts(stores, [index], amd64).all(index)
    assert.equal(JSON.stringify(again?.platform), JSON.stringify(first.platform))
    assert.partialDeepStrictEqual(again, { ...first, platform: {} })
  })

  test('gives each platform that is here, the wanted one first, as they come and go', async () => {
    await pull()
    assert.deepEqual(configs(arm64), [forAmd64.config.digest])
    await pull(arm64)
    assert.deepEqual(configs(arm64), [forArm64.config.digest, forAmd64.config.digest])
    assert.deepEqual(configs(amd64), [forAmd64.config.digest, forArm64.config.digest])
    stores.content.remove(forAmd64.config.digest)
    assert.deepEqual(configs(amd64), [forArm64.config.digest])
    stores.content.remove(forArm64.manifest.digest)
    assert.deepEqual(configs(amd64), [])
    assert.equal(readImageFacts(stores, [index], amd64).shown(index), undefined)
  })

  test('where nothing can be written it reads the documents', async () => {
    await pull()
    stores.database.pragma('query_only = ON')
    assert.deepEqual(configs(amd64), [forAmd64.config.digest])
    stores.database.pragma('query_only = OFF')
    assert.deepEqual(stores.database.prepare('SELECT * FROM document_facts').all(), [])
  })
})
