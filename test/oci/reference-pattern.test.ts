import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseReference } from '../../src/oci/reference.ts'
import { parseReferencePattern } from '../../src/oci/reference-pattern.ts'

const names = [
  'redis:7',
  'redis:7-alpine',
  'me/redis:7',
  'ghcr.io/me/app:1',
  `redis@sha256:${'a'.repeat(64)}`,
]

function matched(pattern: string): string[] {
  const matches = parseReferencePattern(pattern)
  return names.filter((name) => matches(parseReference(name)))
}

test('a repository stands for all its tags and digests', () => {
  assert.deepEqual(matched('redis'), [names[0], names[1], names[4]])
  assert.deepEqual(matched('docker.io/library/redis'), [names[0], names[1], names[4]])
  assert.deepEqual(matched('ghcr.io/me/app'), ['ghcr.io/me/app:1'])
  assert.deepEqual(matched('app'), [])
})

test('a tag is that tag', () => {
  assert.deepEqual(matched('redis:7'), ['redis:7'])
  assert.deepEqual(matched('docker.io/me/redis:7'), ['me/redis:7'])
})

test('wildcards do not cross a slash', () => {
  assert.deepEqual(matched('*'), [names[0], names[1], names[4]])
  assert.deepEqual(matched('*/redis'), ['me/redis:7'])
  assert.deepEqual(matched('redis:7*'), ['redis:7', 'redis:7-alpine'])
  assert.deepEqual(matched('redis:?'), ['redis:7'])
  assert.deepEqual(matched('ghcr.io/*/app'), ['ghcr.io/me/app:1'])
})

test('classes and escapes', () => {
  assert.deepEqual(matched('redi[a-z]:[0-9]'), ['redis:7'])
  assert.deepEqual(matched('redi[^a-z]:7'), [])
  assert.deepEqual(matched('redi[st]:7'), ['redis:7'])
  assert.deepEqual(matched('red\\is:7'), ['redis:7'])
  assert.deepEqual(matched('red\\*'), [])
})

test('characters that mean something to regular expressions are themselves', () => {
  assert.deepEqual(matched('redis.7'), [])
  assert.deepEqual(matched('(redis|x):7'), [])
  assert.deepEqual(matched('redis:7$'), [])
})

for (const pattern of ['[', '[a', 'a\\', '[]', '[z-a]']) {
  test(`${JSON.stringify(pattern)} is malformed`, () => {
    assert.throws(() => parseReferencePattern(pattern), {
      code: 'INVALID_ARGUMENT',
      message: `pattern ${JSON.stringify(pattern)}: is malformed`,
    })
  })
}
