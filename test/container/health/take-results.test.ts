import assert from 'node:assert/strict'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { startingHealth } from '../../../src/container/health/next-health.ts'
import { takeHealthResults } from '../../../src/container/health/take-results.ts'
import { bundleOf } from '../../../src/runtime/bundle.ts'
import { healthFiles } from '../../../src/runtime/health-files.ts'
import { updateContainer } from '../../../src/store/containers.ts'
import { listEvents } from '../../../src/store/events.ts'
import { listHealthResults } from '../../../src/store/health-results.ts'
import { addContainer, containerStores, running, type TestStores } from '../container-stores.ts'

const startedAt = new Date('2026-01-01T00:00:00Z')
let stores: TestStores
let id: string

beforeEach(() => {
  stores = containerStores()
  const healthcheck = { test: ['CMD', 'true'], retries: 2, timeoutNs: 1e9 }
  const health = { ...startingHealth, helper: undefined }
  const change = { ...running(startedAt), health }
  ;({ id } = addContainer(stores, 'web', { config: { healthcheck }, change }))
  mkdirSync(files().directory, { recursive: true })
})
afterEach(() => stores.close())

const files = () => healthFiles(bundleOf(stores.stateRoot, 'default', id))

function leave(slot: number, second: number, code: string, output = ''): void {
  const path = (name: string): string => join(files().directory, `${slot}.${name}`)
  for (const name of ['start', 'code', 'output']) writeFileSync(path(name), '')
  writeFileSync(path('code'), code)
  writeFileSync(path('output'), output)
  const time = startedAt.getTime() / 1000 + second
  utimesSync(path('start'), time, time)
}

const take = (): string => {
  const health = takeHealthResults(stores, id, process)?.health
  return `${health?.status} ${health?.failingStreak}`
}
const events = (): string[] =>
  listEvents(stores.database, { namespace: 'default' })
    .map(({ action }) => action)
    .filter((action) => action.startsWith('health_status'))

test('each result counts once, whoever takes it, and a change is an event', () => {
  assert.equal(take(), 'starting 0')
  leave(0, 1, '1')
  assert.equal(take(), 'starting 1')
  assert.equal(take(), 'starting 1')
  assert.deepEqual(events(), [])
  leave(1, 2, '1')
  leave(2, 3, '0')
  leave(3, 4, '0')
  assert.equal(take(), 'healthy 0')
  assert.deepEqual(events(), ['health_status: unhealthy', 'health_status: healthy'])
  leave(4, 5, '', 'runs now')
  assert.equal(take(), 'healthy 0')
  assert.equal(listHealthResults(stores.database, id).length, 4)
})

test('results of another run are none of this one', () => {
  leave(0, 1, '0')
  updateContainer(stores.database, id, { process: { pid: 1, startTicks: 1, bootId: 'x' } })
  assert.equal(takeHealthResults(stores, id, process), undefined)
  assert.deepEqual(listHealthResults(stores.database, id), [])
  assert.equal(takeHealthResults(stores, '0'.repeat(64), process), undefined)
})

test('output is cut, and says when the time was up', () => {
  leave(0, 1, 'late', 'so far')
  leave(1, 2, 'late')
  leave(2, 3, '0', 'x'.repeat(4096))
  leave(3, 4, '0', 'x'.repeat(4097))
  take()
  const results = listHealthResults(stores.database, id)
  assert.deepEqual(
    results.map(({ exitCode, output }) => [exitCode, output]),
    [
      [-1, 'Health check exceeded timeout (1s): so far'],
      [-1, 'Health check exceeded timeout (1s)'],
      [0, 'x'.repeat(4096)],
      [0, `${'x'.repeat(4096)}...`],
    ],
  )
})
