import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { selfAsOwner } from '../../src/host/owner.ts'
import { pullImage } from '../../src/image/pull.ts'
import { type RemoveImageRequest, removeImage } from '../../src/image/remove-image.ts'
import { tagImage } from '../../src/image/tag.ts'
import { insertContainer } from '../../src/store/containers.ts'
import { listEvents } from '../../src/store/events.ts'
import { listImages } from '../../src/store/images.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type AddedImage, type ImageServer, imageStores, startImageServer } from './image-server.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const containerId = 'c'.repeat(64)

let server: ImageServer
let stores: ReturnType<typeof imageStores>
let image: AddedImage
let id: string
let name: string

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
  image = server.add('1', { layersBaseFirst: [tarOf(file('a', 'a')), tarOf(file('b', 'b'))] })
  id = image.config.digest
  name = (await pullImage(stores, { reference: server.reference('1'), platform, unpacks: false }))
    .name
})
afterEach(async () => {
  stores.close()
  await server.close()
})

function remove(text: string, more: Partial<RemoveImageRequest> = {}) {
  return removeImage(stores, { text, platform, isForced: false, isRunning: () => false, ...more })
}

function names(): string[] {
  return listImages(stores.database).map((record) => record.name)
}

function tag(newName: string): void {
  tagImage(stores, name, newName, platform)
}

function addContainer(): void {
  insertContainer(stores.database, {
    id: containerId,
    namespace: 'default',
    name: 'user',
    imageName: name,
    imageTargetDigest: image.manifest.digest,
    imageConfigDigest: id,
    config: {},
    labels: {},
    snapshotter: 'overlayfs',
    snapshotKey: undefined,
    runtime: { name: 'runc', path: '/usr/bin/runc' },
    owner: selfAsOwner(),
  })
}

function events(...actions: string[]): string[][] {
  return listEvents(stores.database, { namespace: 'default' })
    .filter(({ action }) => actions.includes(action))
    .map(({ action, actorId, attributes }) => [action, actorId, attributes.name ?? ''])
}

const conflict = (message: RegExp) => ({ code: 'FAILED_PRECONDITION', message })

describe('removeImage', () => {
  test('by name takes that name alone', () => {
    tag('kept:1')
    const { untagged } = remove(name)
    assert.deepEqual(untagged, [name, `${name.slice(0, -2)}@${image.manifest.digest}`])
    assert.deepEqual(names(), ['docker.io/library/kept:1'])
  })

  test('speaks of the digest only when a repository has no other name of it', () => {
    tag('app:1')
    tag('app:2')
    assert.deepEqual(remove('app:1').untagged, ['app:1'])
    assert.deepEqual(remove('app:2').untagged, ['app:2', `app@${image.manifest.digest}`])
  })

  test('tells the id and the layers, top first', () => {
    const removed = remove(name)
    assert.equal(removed.id, id)
    assert.equal(removed.layersTopFirst.length, 2)
    assert.equal(removed.layersTopFirst[1], image.layersBaseFirst[0]?.digest)
  })

  test('by id takes a single name, but several only by force', () => {
    tag('app:1')
    const text = id.slice(7, 19)
    assert.throws(() => remove(text), conflict(/\(must be forced\).*in multiple repositories$/))
    assert.equal(names().length, 2)
    remove(text, { isForced: true })
    assert.deepEqual(names(), [])
    assert.throws(() => remove(text), { code: 'NOT_FOUND' })
  })

  test('refuses the last name while a container uses it, and names the container', () => {
    addContainer()
    assert.throws(
      () => remove(name),
      conflict(/\(must force\) - container c{12} is using its referenced image [0-9a-f]{12}$/),
    )
    assert.throws(() => remove(id), conflict(/being used by stopped container c{12}$/))
    assert.deepEqual(names(), [name])
    tag('app:1')
    remove('app:1')
    remove(name, { isForced: true })
    assert.deepEqual(names(), [])
  })

  test('by id refuses the image of a running container even by force', () => {
    addContainer()
    assert.throws(
      () => remove(id, { isForced: true, isRunning: () => true }),
      conflict(/\(cannot be forced\) - image is being used by running container c{12}$/),
    )
    remove(name, { isForced: true, isRunning: () => true })
    assert.deepEqual(names(), [])
  })

  test('the journal tells names that went, and the image with the last of them', () => {
    tag('app:1')
    remove('app:1')
    remove(name)
    const target = image.manifest.digest
    assert.deepEqual(events('untag', 'delete'), [
      ['untag', target, 'app:1'],
      ['untag', target, name],
      ['delete', target, target],
    ])
  })

  test('the journal tells of no image that a container keeps', () => {
    addContainer()
    remove(name, { isForced: true })
    assert.deepEqual(events('untag', 'delete'), [['untag', image.manifest.digest, name]])
  })

  test('does not touch content', () => {
    remove(name)
    assert.notEqual(stores.content.stat(image.config.digest), undefined)
  })
})
