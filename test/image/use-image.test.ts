import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { collectGarbage } from '../../src/gc/collect-garbage.ts'
import { hostPlatform } from '../../src/host/platform.ts'
import type { EnsureImageRequest } from '../../src/image/ensure-image.ts'
import type { WholeImage } from '../../src/image/find-whole-image.ts'
import { useImage } from '../../src/image/use-image.ts'
import { listImages } from '../../src/store/images.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type AddedImage, type ImageServer, imageStores, startImageServer } from './image-server.ts'

let server: ImageServer
let stores: ReturnType<typeof imageStores>
let image: AddedImage
let reference: string

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
  image = server.add('1', {
    layersBaseFirst: [tarOf(file('a', 'a')), tarOf(file('b', 'b'))],
    architecture: hostPlatform().architecture,
  })
  reference = `${server.server.host}/app:1`
})
afterEach(async () => {
  stores.close()
  await server.close()
})

function use<T>(
  action: (image: WholeImage) => T,
  more: Partial<EnsureImageRequest> = {},
): Promise<T> {
  const request = { reference, platform: hostPlatform(), policy: 'missing', ...more } as const
  return useImage(stores, request, action)
}

/** As rmi and gc of another process would, just before something is held. */
function removeAllBeforeHold(times: number): void {
  const forget = ['image', 'snapshot', 'blob'].map((table) => `DELETE FROM ${table};`).join('\n')
  stores.database.exec(`
    CREATE TEMP TABLE removal (n INTEGER);
    CREATE TEMP TRIGGER rmi BEFORE INSERT ON lease_resource
    WHEN NEW.lease_id = (SELECT id FROM lease WHERE labels LIKE '%"use %')
      AND (SELECT count(*) FROM removal) < ${times}
    BEGIN
      INSERT INTO removal VALUES (1);
      ${forget}
    END`)
}

describe('useImage', () => {
  test('keeps the image while its names go and garbage is collected', async () => {
    const chainID = await use(({ local }) => {
      stores.database.exec('DELETE FROM image')
      collectGarbage(stores)
      return local.chainID
    })
    assert.equal(stores.snapshots.stat(String(chainID)).kind, 'committed')
    assert.notEqual(stores.content.stat(image.manifest.digest), undefined)
    assert.notEqual(stores.content.stat(image.config.digest), undefined)
    // And no longer.
    collectGarbage(stores)
    assert.deepEqual(stores.snapshots.walk(), [])
  })

  // `run` found the image, and rmi of another process took it before the container had a row.
  test('an image that is removed between finding and holding is pulled again', async () => {
    await use(() => {})
    removeAllBeforeHold(1)
    const { name, local } = await use((found) => found)
    assert.equal(name, reference)
    assert.equal(stores.snapshots.stat(String(local.chainID)).kind, 'committed')
    assert.deepEqual(
      listImages(stores.database).map((record) => record.name),
      [reference],
    )
  })

  test('one that may not be pulled again is not here, in these words', async () => {
    await use(() => {})
    removeAllBeforeHold(1)
    await assert.rejects(
      use(() => assert.fail('used'), { policy: 'never' }),
      { code: 'NOT_FOUND', message: `image ${reference}: not here` },
    )
    assert.deepEqual(stores.database.prepare('SELECT * FROM lease').all(), [])
  })

  test('one that is removed each time is given up', async () => {
    await use(() => {})
    removeAllBeforeHold(100)
    await assert.rejects(
      use(() => assert.fail('used')),
      { code: 'UNAVAILABLE', message: `image ${reference}: is removed again and again` },
    )
  })
})
