import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type HealthState,
  nextCheckInMs,
  nextHealth,
  startingHealth,
} from '../../../src/container/health/next-health.ts'

const start = new Date('2026-01-01T00:00:00Z')

/** What becomes of a container whose checks, one a second, come out as said. */
function after(results: string, retries: number, startPeriodMs = 0): string {
  let state: HealthState = startingHealth
  for (const [second, result] of [...results].entries()) {
    const startedAt = new Date(start.getTime() + second * 1000)
    state = nextHealth(
      state,
      { isSuccess: result === '+', startedAt },
      { retries, startPeriodMs },
      start,
    )
  }
  return `${state.status} ${state.failingStreak}`
}

describe('health', () => {
  test('begins with starting, and one success makes it healthy', () => {
    assert.equal(after('', 3), 'starting 0')
    assert.equal(after('+', 3), 'healthy 0')
    assert.equal(after('--+', 3), 'healthy 0')
    assert.equal(after('---+', 3), 'healthy 0')
  })

  test('is lost after as many failures in a row as there are retries', () => {
    assert.equal(after('--', 3), 'starting 2')
    assert.equal(after('---', 3), 'unhealthy 3')
    assert.equal(after('+--', 3), 'healthy 2')
    assert.equal(after('+--+--', 3), 'healthy 2')
    assert.equal(after('+-----', 3), 'unhealthy 5')
    assert.equal(after('-', 1), 'unhealthy 1')
  })

  test('does not suffer from failures in the start period, until the first success', () => {
    assert.equal(after('-----', 3, 5000), 'starting 0')
    assert.equal(after('------', 3, 5000), 'starting 1', 'its end does not belong to it')
    assert.equal(after('--------', 3, 5000), 'unhealthy 3')
    assert.equal(after('+---', 3, 60_000), 'unhealthy 3')
  })
})

test('the start interval holds in the start period, while the container starts', () => {
  const probe = { intervalMs: 30_000, startIntervalMs: 1000, startPeriodMs: 10_000 }
  assert.equal(nextCheckInMs({ status: 'starting' }, probe, 9999), 1000)
  assert.equal(nextCheckInMs({ status: 'starting' }, probe, 10_000), 30_000)
  assert.equal(nextCheckInMs({ status: 'healthy' }, probe, 0), 30_000)
  assert.equal(nextCheckInMs({ status: 'starting' }, { ...probe, startPeriodMs: 0 }, 0), 30_000)
})
