import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { collectGarbage } from '../../src/gc/collect-garbage.ts'
import { hostPlatform } from '../../src/host/platform.ts'
import { parseImageFilter } from '../../src/image/image-filters.ts'
import { inspectImage } from '../../src/image/inspect-image.ts'
import { listLocalImages } from '../../src/image/list-images.ts'
import { nameImages } from '../../src/image/name-images.ts'
import { removeImage } from '../../src/image/remove-image.ts'
import { tagImage } from '../../src/image/tag.ts'
import { writeImage } from '../../src/image/write-image.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { familiarRepository, parseReference } from '../../src/oci/reference.ts'
import { listImages } from '../../src/store/images.ts'
import { createLease } from '../../src/store/leases.ts'
import { imageStores } from './image-server.ts'

const platform = hostPlatform()
let stores: ReturnType<typeof imageStores>
let target: Descriptor

beforeEach(() => {
  stores = imageStores()
  const lease = createLease(stores.database, 'test')
  const layer = stores.content.writeDocument(Buffer.from('layer'), {
    mediaType: mediaTypes.ociLayer,
  })
  lease.hold('blob', layer.digest)
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [layer.digest] } }),
  )
  target = writeImage(stores, { config, layersBaseFirst: [layer] }, lease)
  nameImages(stores, [{ target, references: [] }])
  lease.release()
})
afterEach(() => stores.close())

function names(): string[] {
  return listImages(stores.database, 'default').map(({ name }) => name)
}

test('an image without a name is kept from gc and shown as <none>', () => {
  assert.deepEqual(collectGarbage(stores).blobs, [])
  const [listed] = listLocalImages(stores, platform, [parseImageFilter('dangling=true')])
  assert.equal(listed?.target.digest, target.digest)
  assert.equal(familiarRepository(parseReference(listed?.name ?? '')), '<none>')
  assert.deepEqual(listLocalImages(stores, platform, [parseImageFilter('dangling=false')]), [])
  const shown = inspectImage(stores, { text: target.digest, preferred: platform })
  assert.deepEqual((shown as { RepoTags: unknown }).RepoTags, [])
  assert.deepEqual((shown as { RepoDigests: unknown }).RepoDigests, [])
})

test('its first name takes the place of none', () => {
  tagImage(stores as never, target.digest, 'app:1', platform)
  assert.deepEqual(names(), ['docker.io/library/app:1'])
  nameImages(stores, [{ target, references: [] }])
  assert.deepEqual(names(), ['docker.io/library/app:1'])
})

test('rmi by its id untags nothing and leaves it to gc', () => {
  const removed = removeImage(stores, {
    text: target.digest,
    platform,
    isForced: false,
    isRunning: () => false,
  })
  assert.deepEqual(removed.untagged, [])
  assert.deepEqual(names(), [])
  assert.equal(collectGarbage(stores).blobs.length, 3)
})

test('all names are given or none', () => {
  const broken = { ...target, sizeBytes: 'no number' as never }
  assert.throws(() =>
    nameImages(stores, [
      { target, references: [parseReference('first')] },
      { target: broken, references: [parseReference('second')] },
    ]),
  )
  assert.ok(!names().some((name) => name.includes('first')))
})
