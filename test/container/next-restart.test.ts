import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseRestartPolicy } from '../../src/container/flag-values/restart-policy.ts'
import { nextRestart } from '../../src/container/next-restart.ts'
import type { RestartState } from '../../src/store/containers.ts'

const now = new Date('2026-01-01T00:00:00Z')
const fresh: RestartState = { count: 0, delayMs: undefined, at: undefined }

/** Milliseconds until the next start; undefined if there is none. */
function delayAfter(
  policy: string,
  end: { code: number; restart?: RestartState; isStopRequested?: boolean; ranMs?: number },
): number | undefined {
  const { code, restart = fresh, isStopRequested = false, ranMs = 5 } = end
  const startedAt = new Date(now.getTime() - ranMs)
  const record = { restart, isStopRequested, startedAt }
  const next = nextRestart(record, parseRestartPolicy(policy), { code, finishedAt: now }, now)
  return next.at === undefined ? undefined : next.at.getTime() - now.getTime()
}

describe('nextRestart', () => {
  const ends: readonly [string, Parameters<typeof delayAfter>[1], number | undefined][] = [
    ['no', { code: 1 }, undefined],
    ['always', { code: 0 }, 100],
    ['always', { code: 1 }, 100],
    ['always', { code: 143, isStopRequested: true }, undefined],
    ['unless-stopped', { code: 0 }, 100],
    ['unless-stopped', { code: 0, isStopRequested: true }, undefined],
    ['on-failure', { code: 0 }, undefined],
    ['on-failure', { code: 3 }, 100],
    ['on-failure', { code: 137, isStopRequested: true }, undefined],
    ['on-failure:2', { code: 3, restart: { ...fresh, count: 1, delayMs: 100 } }, 200],
    ['on-failure:2', { code: 3, restart: { ...fresh, count: 2, delayMs: 200 } }, undefined],
    ['always', { code: 0, restart: { ...fresh, count: 40, delayMs: 51_200 } }, 60_000],
    ['always', { code: 0, ranMs: 10_000, restart: { ...fresh, count: 9, delayMs: 51_200 } }, 100],
  ]
  for (const [policy, end, expected] of ends) {
    test(`${policy} after ${JSON.stringify(end)}: ${expected ?? 'never'}`, () => {
      assert.equal(delayAfter(policy, end), expected)
    })
  }
})

describe('parseRestartPolicy', () => {
  test('reads docker’s forms', () => {
    assert.deepEqual(parseRestartPolicy('on-failure:3'), { name: 'on-failure', maximumRetries: 3 })
    assert.deepEqual(parseRestartPolicy(''), { name: 'no', maximumRetries: 0 })
  })

  for (const text of ['sometimes', 'always:3', 'on-failure:x', 'on-failure:-1', 'on-failure:1:2']) {
    test(`refuses ${text}`, () => {
      assert.throws(() => parseRestartPolicy(text), { code: 'INVALID_ARGUMENT' })
    })
  }
})
