import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseWaitInterval } from '../../../src/container/flag-values/wait-interval.ts'

test('an interval is milliseconds, or a span of time', () => {
  for (const [text, ms] of [
    ['250', 250],
    ['1s', 1000],
    ['1.5ms', 1.5],
  ] as const) {
    assert.equal(parseWaitInterval(text), ms)
  }
  for (const text of ['', '0', '-1', '-1s', '1us', 'soon', '9999h']) {
    assert.throws(() => parseWaitInterval(text), { code: 'INVALID_ARGUMENT' }, text)
  }
})
