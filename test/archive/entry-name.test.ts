import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanName, shownName } from '../../src/archive/entry-name.ts'

test('names are cleaned, and refused where they lead out', () => {
  for (const [name, clean] of [
    ['a/b', 'a/b'],
    ['./a//b/./', 'a/b'],
    ['.', ''],
    ['..a/b..', '..a/b..'],
    ['', undefined],
    ['/a', undefined],
    ['..', undefined],
    ['a/..', undefined],
    ['a/../../b', undefined],
    ['a'.repeat(513), undefined],
  ] as const) {
    assert.equal(cleanName(name), clean, name)
  }
})

test('links lead within the archive', () => {
  for (const [name, link, clean] of [
    ['1/layer.tar', '../2/layer.tar', '2/layer.tar'],
    ['a', 'b', 'b'],
    ['a/b/c', '../../d', 'd'],
    ['a', '../b', undefined],
    ['a', '/etc/passwd', undefined],
    ['a', '', undefined],
  ] as const) {
    assert.equal(cleanName(`${name}/../${link}`, link), clean, `${name} -> ${link}`)
  }
})

test('odd names are quoted and cut', () => {
  assert.equal(shownName('blobs/sha256/ab'), 'blobs/sha256/ab')
  assert.equal(shownName('\x1b[31m'), '"\\u001b[31m"')
  assert.equal(shownName('a'.repeat(200)).length, 103)
})
