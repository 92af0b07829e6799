import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'
import { runInTerminal } from '../helpers/terminal.ts'

const skip = needsContainers() || needsRegistry()

describe('exec', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox
  let bundle: string
  let runtimeArgs: string[]

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    const started = await sandbox.run(
      ['run', '-d', '--name', 'it', '--network', 'none', 'busybox', 'sleep', '1000'],
      { timeoutMs: 120_000 },
    )
    assert.equal(started.exitCode, 0, started.stderr)
    const id = started.stdout.trim()
    bundle = join(sandbox.stateRoot, 'default', id)
    runtimeArgs = ['--root', join(sandbox.stateRoot, 'default', '.runtime'), 'ps', '-f', 'json', id]
  })
  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  /** Command lines of the container's processes but for its first. */
  function programs(): string[] {
    const pids = JSON.parse(execFileSync('runc', runtimeArgs, { encoding: 'utf8' })) as number[]
    return pids
      .map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        } catch {
          return ''
        }
      })
      .filter((line) => line !== '' && line !== 'sleep 1000')
      .sort()
  }

  async function until(what: string, isSo: () => boolean): Promise<void> {
    const deadline = Date.now() + 30_000
    while (!isSo()) {
      if (Date.now() > deadline) assert.fail(`${what}: ${programs().join(' | ')}`)
      await delay(50)
    }
  }

  function leftFiles(): string[] {
    return readdirSync(bundle).filter((name) => name.startsWith('exec-'))
  }

  // docker and runc leave the program running.
  for (const [what, script, last] of [
    ['a program', 'exec sleep 2001', 'sleep 2001'],
    ['a shell with children', 'sleep 2002 & sleep 2003 & wait', 'sleep 2003'],
    ['a child in a session of its own', 'setsid sleep 2004 & sleep 2005; true', 'sleep 2005'],
  ] as const) {
    test(`of ${what} leaves nothing when its caller is killed`, async () => {
      const running = sandbox.start(['exec', '-i', 'it', 'sh', '-c', script], {
        keepsStdinOpen: true,
      })
      await until('not started', () => programs().includes(last))
      running.child.kill('SIGKILL')
      assert.equal((await running.finished).exitCode, 137)
      await until('left', () => programs().length === 0 && leftFiles().length === 0)
    })
  }

  // Those that have a monitor, which outlives the caller.
  for (const [flags, script, last] of [
    [['-t'], 'sleep 2012 & sleep 2013; true', 'sleep 2013'],
    [['-t', '--detach-keys', 'ctrl-x'], 'setsid sleep 2014 & sleep 2015; true', 'sleep 2015'],
  ] as const) {
    test(`${flags.join(' ')} leaves nothing when its caller is killed`, async () => {
      const running = sandbox.start(['exec', ...flags, 'it', 'sh', '-c', script])
      await until('not started', () => programs().includes(last))
      running.child.kill('SIGKILL')
      await running.finished
      await until('left', () => programs().length === 0 && leftFiles().length === 0)
    })
  }

  for (const [what, flags] of [
    ['a terminal', ['-it']],
    ['a terminal that it cannot be left by keys', ['-it', '--detach-keys', '']],
    ['a terminal of which it takes no input', ['-t']],
  ] as const) {
    test(`with ${what} ends with it, and leaves nothing`, async () => {
      const tsctr = `${sandbox.program} exec ${flags.map((flag) => `'${flag}'`).join(' ')} it`
      const line = `echo $$ >${sandbox.directory}/caller; exec ${tsctr} sh -c 'sleep 2016; true'`
      const terminal = sandbox.start(['-qfc', line, '/dev/null'], {
        program: 'script',
        keepsStdinOpen: true,
      })
      await until('not started', () => programs().includes('sleep 2016'))
      const caller = readFileSync(join(sandbox.directory, 'caller'), 'ascii').trim()
      assert.ok(existsSync(`/proc/${caller}`))
      terminal.child.kill('SIGKILL')
      await terminal.finished
      await until('left', () => programs().length === 0 && leftFiles().length === 0)
      await until('caller left', () => !existsSync(`/proc/${caller}`))
    })
  }

  test('is left by docker’s keys, and the program goes on', async () => {
    const { stdout } = await runInTerminal(sandbox, {
      script: `tsctr exec -it it sh -c 'echo beg''un; exec sleep 2017'`,
      typed: { after: 'begun', keys: '\x10\x11' },
    })
    assert.match(stdout, /code=0\r\nterminal=restored/)
    assert.deepEqual(programs(), ['sleep 2017'])
    assert.equal((await sandbox.run(['exec', 'it', 'killall', 'sleep'])).exitCode, 0)
    await until('left', () => programs().length === 0 && leftFiles().length === 0)
  })

  test('-d goes on by itself, and leaves no files when it ends', async () => {
    assert.equal((await sandbox.run(['exec', '-d', 'it', 'sleep', '2018'])).exitCode, 0)
    assert.deepEqual(programs(), ['sleep 2018'])
    assert.equal((await sandbox.run(['exec', 'it', 'killall', 'sleep'])).exitCode, 0)
    await until('files left', () => leftFiles().length === 0)
  })

  test('leaves a daemon running when its caller is killed', async () => {
    const running = sandbox.start([
      ...['exec', 'it', 'sh', '-c'],
      '(setsid sleep 2006 </dev/null >/dev/null 2>&1 &); sleep 2007; true',
    ])
    await until('not started', () =>
      ['sleep 2006', 'sleep 2007'].every((p) => programs().includes(p)),
    )
    running.child.kill('SIGKILL')
    await running.finished
    await until('not as expected', () => programs().join() === 'sleep 2006')
    await until('files left', () => leftFiles().length === 0)
    assert.equal((await sandbox.run(['exec', 'it', 'killall', 'sleep'])).exitCode, 0)
  })

  test('leaves what a program started that has ended by itself', async () => {
    const script = 'sleep 2008 </dev/null >/dev/null 2>&1 & exit 3'
    const { exitCode } = await sandbox.run(['exec', 'it', 'sh', '-c', script])
    assert.equal(exitCode, 3)
    await until('files left', () => leftFiles().length === 0)
    assert.deepEqual(programs(), ['sleep 2008'])
  })

  test('passes SIGTERM on, and what it ends takes its children along', async () => {
    const script = 'sleep 2009 </dev/null >/dev/null 2>&1 & sleep 2010 >/dev/null 2>&1; true'
    const running = sandbox.start(['exec', 'it', 'sh', '-c', script])
    await until('not started', () => programs().includes('sleep 2010'))
    running.child.kill('SIGTERM')
    assert.equal((await running.finished).exitCode, 143)
    await until('left', () => !programs().some((line) => /20(09|10)/.test(line)))
  })
})
