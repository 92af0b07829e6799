import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseImageFilter } from '../../src/image/image-filters.ts'
import { listLocalImages } from '../../src/image/list-images.ts'
import { pullImage } from '../../src/image/pull.ts'
import { tagImage } from '../../src/image/tag.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type ImageServer, imageStores, startImageServer } from './image-server.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const base = tarOf(file('base', 'base'))

let server: ImageServer
let stores: ReturnType<typeof imageStores>

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
  for (const [tag, year] of Object.entries({ old: 2020, middle: 2022, new: 2024 })) {
    server.add(tag, {
      layersBaseFirst: [base, tarOf(file(tag, tag))],
      created: `${year}-01-01T00:00:00Z`,
      config: { Labels: { age: tag, ['__proto__']: 'data' } },
    })
    const reference = server.reference(tag)
    await pullImage(stores, { reference, platform, unpacks: tag !== 'new' })
    tagImage(stores, `${server.server.host}/app:${tag}`, `${tag}:1`, platform)
  }
})
afterEach(async () => {
  stores.close()
  await server.close()
})

function list(...filters: string[]): string[] {
  return listLocalImages(stores, platform, filters.map(parseImageFilter)).flatMap(
    ({ reference: { registry, repository } }) =>
      registry === 'docker.io' ? [repository.replace('library/', '')] : [],
  )
}

describe('listLocalImages', () => {
  test('lists what was built last first', () => {
    assert.deepEqual(list(), ['new', 'middle', 'old'])
  })

  test('filters', () => {
    assert.deepEqual(list('reference=old', 'reference=new:*'), ['new', 'old'])
    assert.deepEqual(list('before=middle:1'), ['old'])
    assert.deepEqual(list('since=middle:1'), ['new'])
    assert.deepEqual(list('since=old:1', 'before=new:1'), ['middle'])
    assert.deepEqual(list('label=age=old'), ['old'])
    assert.deepEqual(list('label=age', 'label=__proto__=data', 'reference=old'), ['old'])
    assert.deepEqual(list('label=toString'), [])
    assert.deepEqual(list('label!=age=old'), ['new', 'middle'])
    assert.deepEqual(list('label!=age=old', 'label!=age=new'), ['middle'])
    assert.deepEqual(list('label!=none'), ['new', 'middle', 'old'])
    assert.deepEqual(list('until=2023-01-01'), ['middle', 'old'])
    assert.deepEqual(list('until=2023-01-01', 'until=2021-01-01'), ['old'])
    assert.deepEqual(list('unused-for=1h'), [])
    stores.database.exec(`UPDATE image SET last_used_at = 0 WHERE name LIKE '%/old:1'`)
    assert.deepEqual(list('unused-for=1h'), ['old'])
    assert.deepEqual(list('dangling=true'), [])
    assert.deepEqual(list('dangling=false'), ['new', 'middle', 'old'])
    assert.throws(() => list('before=nothing'), { code: 'NOT_FOUND' })
  })

  test('refuses filters it does not know', () => {
    for (const text of ['', 'reference', 'reference=', 'size=1', 'dangling=maybe', 'toString=1']) {
      assert.throws(() => parseImageFilter(text), { code: 'INVALID_ARGUMENT' }, text)
    }
  })

  test('tells the size of what is unpacked, and how much of it others share', () => {
    const images = listLocalImages(stores, platform, [parseImageFilter('reference=*:1')])
    const [unpackedLater, middle, old] = images
    assert.equal(unpackedLater?.sizeBytes, undefined)
    assert.equal(middle?.sizeBytes, old?.sizeBytes)
    const sizes = stores.snapshots.walk().map(({ usage }) => usage?.sizeBytes ?? 0)
    assert.equal(sizes.length, 3)
    assert.equal(middle?.sizeBytes, (sizes[0] ?? 0) + (sizes[2] ?? 0))
    assert.equal(middle?.sharedBytes, sizes[0])
    assert.ok((unpackedLater?.blobBytes ?? 0) > base.length)
  })

  test('an image without its config is listed still', () => {
    const [{ id } = assert.fail('no image')] = listLocalImages(stores, platform)
    stores.content.remove(id)
    const images = listLocalImages(stores, platform)
    assert.equal(images.length, 6)
    const broken = images.filter(({ facts }) => facts === undefined)
    assert.equal(broken.length, 2)
    assert.equal(broken[0]?.id, broken[0]?.target.digest)
  })
})
