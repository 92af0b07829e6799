import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestHex, parseDigest } from '../../src/oci/digest.ts'

const hex = 'ab'.repeat(32)

test('a digest is sha256 and 64 hex digits', () => {
  assert.equal(digestHex(parseDigest(`sha256:${hex}`)), hex)
})

// Fault list, b3 28.
// CVE-2024-3727: a digest became a part of paths before anyone had looked at it.
test('anything else is refused before it can become part of a path', () => {
  for (const text of [
    'sha256:../../x',
    `sha256:${hex.toUpperCase()}`,
    `sha256:${hex.slice(1)}`,
    `sha256:${hex}0`,
    `sha256:/${hex.slice(1)}`,
    `sha256:${hex}\n`,
    `sha256:${hex}/..`,
    ` sha256:${hex}`,
    `SHA256:${hex}`,
    hex,
    'sha256:',
    'sha256',
    ':',
    '',
    '../../x',
    `__proto__:${hex}`,
    undefined,
    null,
    7,
    {},
    [`sha256:${hex}`],
  ]) {
    assert.throws(() => parseDigest(text), { code: 'INVALID_ARGUMENT' }, String(text))
  }
  for (const text of [`md5:${hex}`, `sha512:${hex}${hex}`, `constructor:${hex}`]) {
    assert.throws(() => parseDigest(text), { code: 'UNSUPPORTED' }, text)
  }
})
