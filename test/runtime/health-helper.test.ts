import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { bootId, isAlive, processStartTicks } from '../../src/host/owner.ts'
import { healthFiles } from '../../src/runtime/health-files.ts'
import {
  type HealthHelper,
  healthAnswer,
  startHealthHelper,
} from '../../src/runtime/health-helper.ts'

let directory: string
let container: ChildProcess

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsctr-helper-'))
  container = spawn('sleep', ['1000'], { stdio: 'ignore' })
})
afterEach(() => {
  container.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

/** One whose first check is an hour away. */
function start(): HealthHelper {
  const files = healthFiles({ directory })
  mkdirSync(files.directory)
  const pid = container.pid ?? 0
  return startHealthHelper({
    containerId: 'none',
    process: { pid, startTicks: processStartTicks(pid) ?? 0, bootId: bootId() },
    runtime: { name: 'none', path: '/nonexistent', stateDir: directory },
    files,
    freezerFile: '',
    timeoutMs: 1000,
    firstInMs: 3_600_000,
    judgeCommand: ['/nonexistent'],
  })
}

async function ends({ owner }: HealthHelper, withinMs: number): Promise<boolean> {
  assert.ok(owner !== undefined)
  const deadlineMs = Date.now() + withinMs
  while (isAlive(owner)) {
    if (Date.now() > deadlineMs) return false
    await delay(20)
  }
  return true
}

// Its starter was killed before it had put the helper on record: nobody would ever find it.
test('a helper that was not told to begin ends with its starter', async () => {
  const helper = start()
  assert.equal(await ends(helper, 300), false)
  helper.close()
  assert.equal(await ends(helper, 10_000), true)
})

test('one that has begun outlives its starter, and ends soon after the container', async () => {
  const helper = start()
  helper.begin()
  helper.close()
  assert.equal(await ends(helper, 1000), false)
  container.kill('SIGKILL')
  assert.equal(await ends(helper, 20_000), true)
})

test('the answer of the judge is whole slices of five seconds, and the rest', () => {
  assert.equal(healthAnswer(100, false), '0 0.100000 watch')
  assert.equal(healthAnswer(31_500, true), '6 1.500000 steady')
})
