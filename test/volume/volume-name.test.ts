import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anonymousVolumeName, parseVolumeName } from '../../src/volume/volume-name.ts'

// Fault list, b3 41.
test('a name that could leave its directory, or look like a flag, is refused', () => {
  for (const name of ['..', '../x', 'a/b', '/a', '-a', '.ab', 'a\nb', 'ab\n', 'a\0b', 'a b', '']) {
    assert.throws(() => parseVolumeName(name), { code: 'INVALID_ARGUMENT' }, JSON.stringify(name))
  }
  assert.throws(() => parseVolumeName('x'.repeat(256)), { code: 'INVALID_ARGUMENT' })
  assert.equal(parseVolumeName('a.b_c-d'), 'a.b_c-d')
  const anonymous = anonymousVolumeName()
  assert.equal(parseVolumeName(anonymous), anonymous)
})
