import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseMoment } from '../../src/host/moment.ts'

const now = new Date('2026-11-24T12:00:00.250Z')
const second = 1_000_000_000n

function momentOf(text: string): bigint {
  return parseMoment(text, now)
}

function utcNs(text: string): bigint {
  return BigInt(Date.parse(text)) * 1_000_000n
}

test('a time with a zone', () => {
  assert.equal(momentOf('2026-01-02T15:04:05Z'), utcNs('2026-01-02T15:04:05Z'))
  assert.equal(momentOf('2026-01-02T15:04:05+05:30'), utcNs('2026-01-02T09:34:05Z'))
  assert.equal(momentOf('2026-01-02T15:04:05.000000001Z'), utcNs('2026-01-02T15:04:05Z') + 1n)
  assert.equal(momentOf('2026-01-02T15:04:05.5-01:00'), utcNs('2026-01-02T16:04:05Z') + second / 2n)
  assert.equal(momentOf('2026-01-02T15:04Z'), utcNs('2026-01-02T15:04:00Z'))
  assert.equal(momentOf('2026-01-02T15Z'), utcNs('2026-01-02T15:00:00Z'))
  assert.equal(momentOf('2026-01-02Z'), utcNs('2026-01-02T00:00:00Z'))
})

describe('a time without a zone is local', () => {
  const zoneBefore = process.env.TZ
  before(() => {
    process.env.TZ = 'America/New_York'
  })
  after(() => {
    if (zoneBefore === undefined) delete process.env.TZ
    else process.env.TZ = zoneBefore
  })

  test('in winter and in summer', () => {
    assert.equal(momentOf('2026-01-02T15:04:05'), utcNs('2026-01-02T20:04:05Z'))
    assert.equal(momentOf('2026-07-02T15:04:05.25'), utcNs('2026-07-02T19:04:05.250Z'))
    assert.equal(momentOf('2026-07-02T15:04'), utcNs('2026-07-02T19:04:00Z'))
    assert.equal(momentOf('2026-07-02'), utcNs('2026-07-02T04:00:00Z'))
  })
})

test('Unix seconds, with up to nine digits of one', () => {
  assert.equal(momentOf('1136214245'), 1_136_214_245n * second)
  assert.equal(momentOf('1136214245.000000001'), 1_136_214_245n * second + 1n)
  assert.equal(momentOf('1.5'), second + second / 2n)
  assert.equal(momentOf('0'), 0n, 'the epoch, not now')
  assert.equal(momentOf('-1'), -second)
})

test('a span of time is before now', () => {
  const nowNs = utcNs('2026-11-24T12:00:00.250Z')
  assert.equal(momentOf('10s'), nowNs - 10n * second)
  assert.equal(momentOf('1h30m'), nowNs - 5_400n * second)
  assert.equal(momentOf('1.5h'), nowNs - 5_400n * second)
  assert.equal(momentOf('1m0.5s'), nowNs - 60n * second - second / 2n)
  assert.equal(momentOf('.5s'), nowNs - second / 2n)
  assert.equal(momentOf('250ms'), nowNs - second / 4n)
  assert.equal(momentOf('3us'), nowNs - 3_000n)
  assert.equal(momentOf('3µs'), nowNs - 3_000n)
  assert.equal(momentOf('7ns'), nowNs - 7n)
  assert.equal(momentOf('-10s'), nowNs + 10n * second, 'a negative one is ahead')
})

test('anything else is refused', () => {
  const bad = ['', 'yesterday', '10x', '1h 30m', 'h', '.s', '2026-01-02 15:04:05', '1.2.3']
  const dates = ['2026-02-31', '2026-13-01', '2026-01-02T25:00', '2026-01-02T15:04:05+1', '26-1-2']
  for (const text of [...bad, ...dates]) {
    assert.throws(() => momentOf(text), { code: 'INVALID_ARGUMENT' }, text)
  }
})
