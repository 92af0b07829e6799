import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatGoDuration, parseGoDuration } from '../../src/oci/go-duration.ts'

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

test('and written as Go writes them', () => {
  for (const text of ['0s', '5ns', '1.5µs', '100ms', '1.5s', '30s', '1m0s', '1m30s', '1h0m0.5s']) {
    assert.equal(formatGoDuration(parseGoDuration(text) ?? -1), text)
  }
})
