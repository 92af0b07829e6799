import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type HistoryStep, imageHistory } from '../../src/image/image-history.ts'
import { pullImage } from '../../src/image/pull.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import {
  type ImageServer,
  imageStores,
  type ServedImage,
  startImageServer,
} from './image-server.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const layersBaseFirst = [tarOf(file('a', 'a'.repeat(10_000))), tarOf(file('b', 'b'))]

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

async function historyOf(image: ServedImage, unpacks = true): Promise<HistoryStep[]> {
  const added = server.add('1', image)
  const reference = server.reference('1')
  const { name } = await pullImage(stores, { reference, platform, unpacks })
  const steps = imageHistory(stores, name, platform)
  assert.equal(steps[0]?.id, added.config.digest)
  assert.ok(steps.slice(1).every(({ id }) => id === undefined))
  return steps
}

describe('imageHistory', () => {
  test('gives each step the size of its layer, the last step first', async () => {
    const steps = await historyOf({
      layersBaseFirst,
      history: [
        { created: '2024-01-01T00:00:00Z', created_by: 'ADD a' },
        { created_by: 'ENV x=y', empty_layer: true, comment: 'buildkit' },
        { created_by: 'ADD b' },
      ],
    })
    assert.deepEqual(
      steps.map(({ createdBy }) => createdBy),
      ['ADD b', 'ENV x=y', 'ADD a'],
    )
    const [own, none, base] = steps
    assert.equal(none?.sizeBytes, 0)
    assert.equal(none?.comment, 'buildkit')
    assert.ok((base?.sizeBytes ?? 0) > (own?.sizeBytes ?? 0))
    assert.equal(base?.createdAt?.getUTCFullYear(), 2024)
    assert.equal(own?.createdAt, undefined)
  })

  test('shows layers that the history leaves out; what is not unpacked has no size', async () => {
    const untold = await historyOf({ layersBaseFirst })
    assert.deepEqual(
      untold.map(({ createdBy }) => createdBy),
      ['', ''],
    )
    const history = ['one', 'two', 'three', 'four'].map((text) => ({ created_by: text }))
    assert.equal((await historyOf({ layersBaseFirst, history })).length, 4)
    const layers = [tarOf(file('c', 'c'))]
    const [packed] = await historyOf({ layersBaseFirst: layers }, false)
    assert.equal(packed?.sizeBytes, undefined)
  })

  test('an image that is not here', () => {
    assert.throws(() => imageHistory(stores, 'nothing', platform), { code: 'NOT_FOUND' })
  })
})
