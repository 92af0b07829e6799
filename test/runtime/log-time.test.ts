import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRfc3339Ns, parseRfc3339Ns } from '../../src/runtime/log-time.ts'

const second = 1_000_000_000n

test('a time has nanoseconds and a zone', () => {
  const noon = BigInt(Date.UTC(2026, 10, 24, 12) / 1000) * second
  assert.equal(parseRfc3339Ns('2026-11-24T12:00:00Z'), noon)
  assert.equal(parseRfc3339Ns('2026-11-24T12:00:00.000000001Z'), noon + 1n)
  assert.equal(parseRfc3339Ns('2026-11-24T12:00:00.5+00:00'), noon + second / 2n)
  assert.equal(parseRfc3339Ns('2026-11-24T17:30:00.123456789+05:30'), noon + 123_456_789n)
  assert.equal(parseRfc3339Ns('2026-11-24t04:00:00-08:00'), noon)
})

test('digits beyond nanoseconds are cut off', () => {
  assert.equal(parseRfc3339Ns('1970-01-01T00:00:00.1234567899Z'), 123_456_789n)
})

test('what is no time is undefined', () => {
  for (const text of ['', 'now', '2026-11-24', '2026-11-24T12:00:00', '2026-13-01T00:00:00Z']) {
    assert.equal(parseRfc3339Ns(text), undefined, text)
  }
})

// docker logs -t: columns line up only if trailing zeros stay.
test('a time is written in UTC with nine digits', () => {
  assert.equal(formatRfc3339Ns(0n), '1970-01-01T00:00:00.000000000Z')
  const time = parseRfc3339Ns('2026-11-24T12:00:00.12+02:00') ?? 0n
  assert.equal(formatRfc3339Ns(time), '2026-11-24T10:00:00.120000000Z')
  assert.equal(formatRfc3339Ns(-1n), '1969-12-31T23:59:59.999999999Z')
})
