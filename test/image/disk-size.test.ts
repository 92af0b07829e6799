import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDiskSize } from '../../src/image/disk-size.ts'

test('units are decimal as sizes are shown, binary with an i', () => {
  assert.equal(parseDiskSize('20GB'), 20e9)
  assert.equal(parseDiskSize('1.5g'), 1.5e9)
  assert.equal(parseDiskSize('500 MB'), 500e6)
  assert.equal(parseDiskSize('1GiB'), 1024 ** 3)
  assert.equal(parseDiskSize('64kib'), 64 * 1024)
  assert.equal(parseDiskSize('0'), 0)
  assert.equal(parseDiskSize('123B'), 123)
})

test('anything else is refused', () => {
  for (const text of ['', '-1', 'GB', '1XB', '1 2', '1e3', '9999999PB', 'lots']) {
    assert.throws(() => parseDiskSize(text), { code: 'INVALID_ARGUMENT' }, text)
  }
})
