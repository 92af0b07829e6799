import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSpanMs } from '../../src/image/time-span.ts'

const hourMs = 3_600_000

test('weeks, days, hours, minutes and seconds, alone and together', () => {
  assert.equal(parseSpanMs('2w'), 14 * 24 * hourMs)
  assert.equal(parseSpanMs('7d'), 7 * 24 * hourMs)
  assert.equal(parseSpanMs('1d12h'), 36 * hourMs)
  assert.equal(parseSpanMs('1.5h'), 1.5 * hourMs)
  assert.equal(parseSpanMs('90m30s'), 90 * 60_000 + 30_000)
})

test('anything else is refused', () => {
  for (const text of ['', '7', 'd', '-7d', '7 d', '7y', '7dd', '1h2', '__proto__']) {
    assert.throws(() => parseSpanMs(text), { code: 'INVALID_ARGUMENT' }, text)
  }
})
