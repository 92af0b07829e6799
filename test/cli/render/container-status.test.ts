import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerStatus, type StatusParts } from '../../../src/cli/render/container-status.ts'

const now = new Date('2026-11-24T12:00:00Z')
const nothing = { startedAt: undefined, finishedAt: undefined, exitCode: undefined }

function ago(seconds: number): Date {
  return new Date(now.getTime() - seconds * 1000)
}

test("docker's words for each state", () => {
  const cases: readonly [Omit<StatusParts, keyof typeof nothing> & Partial<StatusParts>, string][] =
    [
      [{ state: 'created' }, 'Created'],
      [{ state: 'running', startedAt: ago(0.2) }, 'Up Less than a second'],
      [{ state: 'running', startedAt: ago(1) }, 'Up 1 second'],
      [{ state: 'running', startedAt: ago(180) }, 'Up 3 minutes'],
      [{ state: 'running', startedAt: ago(3600) }, 'Up About an hour'],
      [
        { state: 'running', startedAt: ago(180), health: { status: 'starting' } },
        'Up 3 minutes (health: starting)',
      ],
      [
        { state: 'running', startedAt: ago(180), health: { status: 'healthy' } },
        'Up 3 minutes (healthy)',
      ],
      [
        { state: 'running', startedAt: ago(180), health: { status: 'unhealthy' } },
        'Up 3 minutes (unhealthy)',
      ],
      [
        { state: 'paused', startedAt: ago(60), health: { status: 'healthy' } },
        'Up About a minute (Paused)',
      ],
      [
        { state: 'exited', finishedAt: ago(5), health: { status: 'unhealthy' } },
        'Exited (0) 5 seconds ago',
      ],
      [{ state: 'exited', exitCode: 0, finishedAt: ago(5) }, 'Exited (0) 5 seconds ago'],
      [
        { state: 'exited', exitCode: 137, startedAt: ago(9e5), finishedAt: ago(8 * 86_400) },
        'Exited (137) 8 days ago',
      ],
      [{ state: 'paused', startedAt: ago(60) }, 'Up About a minute (Paused)'],
      [{ state: 'restarting', exitCode: 1, finishedAt: ago(2) }, 'Restarting (1) 2 seconds ago'],
      [{ state: 'removing' }, 'Removal In Progress'],
      [{ state: 'dead' }, 'Dead'],
    ]
  for (const [parts, text] of cases) {
    assert.equal(containerStatus({ ...nothing, ...parts }, now), text)
  }
})

test('a clock that was set back counts as no time', () => {
  const running = { ...nothing, state: 'running', startedAt: ago(-100) } as const
  assert.equal(containerStatus(running, now), 'Up Less than a second')
})
