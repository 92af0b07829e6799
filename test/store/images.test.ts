import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseDigest } from '../../src/oci/digest.ts'
import {
  deleteImage,
  getImage,
  listImages,
  type NewImage,
  putImage,
  touchImage,
} from '../../src/store/images.ts'
import { openRecordStore, type RecordStore } from './fixture.ts'

let store: RecordStore
beforeEach(() => {
  store = openRecordStore()
})
afterEach(() => store.close())

const redis = 'docker.io/library/redis:alpine'

function newImage(name = redis, digit = '1', namespace = 'default'): NewImage {
  const digest = parseDigest(`sha256:${digit.repeat(64)}`)
  return {
    namespace,
    name,
    target: { mediaType: 'application/vnd.oci.image.index.v1+json', digest, sizeBytes: 42 },
    labels: { a: digit },
  }
}

describe('images', () => {
  test('are found by exactly their name, in their namespace', () => {
    putImage(store.database, newImage())
    const image = getImage(store.database, 'default', redis)
    assert.ok(image)
    const { createdAt, updatedAt, lastUsedAt, ...rest } = image
    assert.deepEqual(rest, newImage())
    assert.ok(createdAt instanceof Date && Math.abs(createdAt.getTime() - Date.now()) < 60_000)
    assert.deepEqual([updatedAt, lastUsedAt], [createdAt, createdAt])
    assert.equal(getImage(store.database, 'other', redis), undefined)
    assert.equal(getImage(store.database, 'default', 'docker.io/library/redis'), undefined)
    assert.equal(getImage(store.database, 'default', redis.toUpperCase()), undefined)
  })

  test('a name that is put again moves to the new target, and stays as old as it was', () => {
    putImage(store.database, newImage())
    setTimes(redis, 1000)
    putImage(store.database, newImage(redis, '2'))
    const image = getImage(store.database, 'default', redis)
    assert.deepEqual(image?.target, newImage(redis, '2').target)
    assert.deepEqual(image?.labels, { a: '2' })
    assert.deepEqual(image?.createdAt, new Date(1000))
    assert.ok(image && image.updatedAt.getTime() > 1000 && image.lastUsedAt.getTime() > 1000)
    assert.equal(listImages(store.database).length, 1)
  })

  test('are listed newest first, of one namespace or of all', () => {
    for (const [name, createdAt] of [
      ['b', 2000],
      ['a', 2000],
      ['newest', 3000],
    ] as const) {
      putImage(store.database, newImage(name))
      setTimes(name, createdAt)
    }
    putImage(store.database, newImage('elsewhere', '1', 'other'))
    setTimes('elsewhere', 1000)
    const names = (namespace?: string): string[] =>
      listImages(store.database, namespace).map(({ name }) => name)
    assert.deepEqual(names('default'), ['newest', 'a', 'b'])
    assert.deepEqual(names(), ['newest', 'a', 'b', 'elsewhere'])
    assert.deepEqual(names('missing'), [])
  })

  test('are forgotten by name, in one namespace', () => {
    putImage(store.database, newImage())
    putImage(store.database, newImage(redis, '1', 'other'))
    assert.equal(deleteImage(store.database, 'default', redis), true)
    assert.equal(deleteImage(store.database, 'default', redis), false)
    assert.ok(getImage(store.database, 'other', redis))
  })

  test('remember when a container was made from them', () => {
    putImage(store.database, newImage())
    setTimes(redis, 1000)
    touchImage(store.database, 'default', redis)
    const image = getImage(store.database, 'default', redis)
    assert.ok(image && image.lastUsedAt.getTime() > 1000)
    assert.deepEqual(image.updatedAt, new Date(1000))
  })

  test('lie in a namespace that exists', () => {
    assert.throws(() => putImage(store.database, newImage(redis, '1', 'missing')), {
      code: 'SQLITE_CONSTRAINT_FOREIGNKEY',
    })
  })
})

function setTimes(name: string, milliseconds: number): void {
  store.database
    .prepare(
      'UPDATE image SET created_at = @at, updated_at = @at, last_used_at = @at WHERE name = @name',
    )
    .run({ at: milliseconds, name })
}
