import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGoDuration } from '../../src/oci/go-duration.ts'

test('spans of time are read as Go reads them', () => {
  for (const [text, ns] of [
    ['0', 0],
    ['100ms', 1e8],
    ['1m30s', 90e9],
    ['.5s', 5e8],
    ['1.h', 3600e9],
    ['-1.5h', -5400e9],
    ['+2us', 2000],
    ['2µs', 2000],
    ['', undefined],
    ['-', undefined],
    ['5', undefined],
    ['5 s', undefined],
    ['1d', undefined],
    ['s', undefined],
    ['9999999h', undefined],
  ] as const) {
    assert.equal(parseGoDuration(text), ns, text)
  }
})
