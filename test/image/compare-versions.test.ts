import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareVersions } from '../../src/image/compare-versions.ts'

test('versions come in their order, after what is none', () => {
  const ordered = [
    'alpine',
    'latest',
    '1.2.3.4',
    '0.9',
    'v1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1',
    '1.0',
    '1.0.0',
    '1.9.10',
    '1.10.9',
    '7.2-alpine',
    '7.2',
    '20240101000000000000',
    '20240101000000000001',
  ].toSorted()
  const sorted = ordered.toSorted(compareVersions)
  assert.deepEqual(sorted, [
    '1.2.3.4',
    'alpine',
    'latest',
    '0.9',
    'v1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1',
    '1.0',
    '1.0.0',
    '1.9.10',
    '1.10.9',
    '7.2-alpine',
    '7.2',
    '20240101000000000000',
    '20240101000000000001',
  ])
  assert.deepEqual(sorted.toReversed().toSorted(compareVersions), sorted)
})
