import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runOnRelease } from '../../src/host/run-on-release.ts'

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-release-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

describe('runOnRelease', () => {
  test('runs when it is released, not before', async (t) => {
    const made = join(scratch(t), `a 'quoted" $name`)
    const pending = await runOnRelease(['touch', made])
    await sleep(100)
    assert.equal(existsSync(made), false)
    await pending.release()
    assert.ok(existsSync(made))
  })

  test('runs when the process is killed', async (t) => {
    const made = join(scratch(t), 'made')
    const module = join(import.meta.dirname, '../../src/host/run-on-release.ts')
    const script = `
      const { runOnRelease } = await import(${JSON.stringify(module)})
      await runOnRelease(['touch', ${JSON.stringify(made)}])
      console.log('ready')
      setTimeout(() => {}, 60_000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    for (let attempt = 0; attempt < 500 && !existsSync(made); attempt += 1) await sleep(10)
    assert.ok(existsSync(made))
  })

  test('a failure of the program is described', async () => {
    const pending = await runOnRelease(['sh', '-c', 'echo broken >&2; exit 3'])
    await assert.rejects(pending.release(), {
      code: 'RUNTIME_FAILED',
      message: /exit code 3: broken$/,
    })
  })
})
