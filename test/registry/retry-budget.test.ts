import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryBudget, retryAfterMs } from '../../src/registry/retry-budget.ts'

function budget(): { budget: RetryBudget; waits: number[]; pass: (ms: number) => void } {
  const waits: number[] = []
  let now = 1000
  const policy = {
    maxTries: 5,
    firstWaitMs: 200,
    maxStallMs: 60_000,
    now: () => now,
    sleep: async (ms: number) => {
      waits.push(ms)
      now += ms
    },
  }
  return {
    budget: new RetryBudget(policy, undefined),
    waits,
    pass: (ms) => {
      now += ms
    },
  }
}

const failure = new Error('503')

test('waits double, and the fifth failure is final', async () => {
  const { budget: tries, waits } = budget()
  for (let count = 0; count < 4; count += 1) await tries.spend(failure)
  await assert.rejects(tries.spend(failure), failure)
  assert.deepEqual(waits, [200, 400, 800, 1600])
})

test('a MiB of progress renews the budget, less does not', async () => {
  const { budget: tries, waits } = budget()
  for (let count = 0; count < 4; count += 1) await tries.spend(failure)
  tries.arrived(1024 * 1024 - 1)
  await assert.rejects(tries.spend(failure), failure)
  tries.arrived(1)
  await tries.spend(failure)
  assert.equal(waits.at(-1), 200)
})

test('after a minute without progress there is no further try', async () => {
  const { budget: tries, pass } = budget()
  pass(30_000)
  await tries.spend(failure)
  pass(30_000)
  await assert.rejects(tries.spend(failure), failure)
})

test('a wait that the server asks for ends with the minute', async () => {
  const { budget: tries, waits } = budget()
  await tries.spend(failure, 5000)
  await tries.spend(failure, Number.MAX_SAFE_INTEGER)
  await assert.rejects(tries.spend(failure), failure)
  assert.deepEqual(waits, [5000, 55_000])
})

test('Retry-After is read in its forms', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const cases: [value: string | null, expected: number | undefined][] = [
    [null, undefined],
    ['', undefined],
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7000],
    ['999999999', 999_999_999_000],
    ['-5', undefined],
    ['1.5', undefined],
    ['880.092µs', undefined],
    ['soon', undefined],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    [String(now / 1000 + 45), 45_000],
  ]
  for (const [value, expected] of cases)
    assert.equal(retryAfterMs(value, now), expected, `${value}`)
})
