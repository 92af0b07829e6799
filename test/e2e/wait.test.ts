import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('wait', { skip: needsContainers() || needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
  })
  afterEach(() => sandbox.run(['rm', '-f', 'one', 'two']))
  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  const run = (name: string, flags: readonly string[], script: string): Promise<string> =>
    succeeds(
      ...['run', '-d', '--name', name, '--network', 'none', ...flags],
      ...['busybox', 'sh', '-c', script],
    )

  // The second had ended and was gone while the first was waited for.
  test('prints the exit codes of several in their order, of those with --rm too', async () => {
    await run('one', ['--rm'], 'trap "exit 4" USR1; while :; do sleep 0.1; done')
    await run('two', ['--rm'], 'trap "exit 5" USR1; while :; do sleep 0.1; done')
    const waiting = sandbox.start(['wait', 'one', 'two'])
    while (watchesOf(waiting.child.pid ?? 0) < 2) await delay(50)
    for (const name of ['two', 'one']) {
      await succeeds('kill', '-s', 'USR1', name)
      while ((await succeeds('ps', '-aq', '--filter', `name=${name}`)) !== '') {}
    }
    assert.equal((await waiting.finished).stdout, '4\n5\n')
  })

  test('waits for a condition, the first of several', async () => {
    await succeeds('create', '--name', 'one', '--network', 'none', 'busybox', 'sh', '-c', 'exit 3')
    assert.equal(await succeeds('wait', 'one'), '0', 'as docker says of one that has not run')
    assert.equal(await succeeds('wait', '--condition', 'created', 'one'), '-1')
    const either = ['wait', '-i', '20', '--condition', 'removed', '--condition', 'exited', 'one']
    const waiting = sandbox.run(either)
    await succeeds('start', 'one')
    assert.equal((await waiting).stdout, '3\n')
    await run('two', [], 'sleep 1000')
    assert.equal(await succeeds('wait', '--condition', 'running', 'two'), '-1')
    const removal = sandbox.start(['wait', '-i', '20', '--condition', 'removed', 'two'])
    // It must have seen the container before that goes.
    while (!hasOpened(removal.child.pid ?? 0, 'meta.db')) await delay(20)
    await delay(300)
    await succeeds('rm', '-f', 'two')
    assert.equal((await removal.finished).stdout, '137\n')
  })

  // One that ended while it was being looked at had ended with 0.
  test('prints the exit code of one that ends at that moment', async () => {
    await run('one', [], 'sleep 0.6; exit 6')
    const waits = Array.from({ length: 12 }, async (_, index) => {
      await delay(index * 50)
      const condition = index % 2 === 0 ? [] : ['--condition', 'exited']
      return succeeds('wait', ...condition, 'one')
    })
    assert.deepEqual(new Set(await Promise.all(waits)), new Set(['6']))
  })

  test('does not wait for what cannot come', async () => {
    await run('one', [], 'exit 2')
    await succeeds('wait', 'one')
    await run('two', [], 'sleep 1000')
    const healthy = await sandbox.run(['wait', '--condition', 'healthy', 'one', 'two'])
    assert.equal(healthy.exitCode, 1)
    assert.match(healthy.stderr, /container one: ended with exit code 2 and will not be healthy/)
    assert.match(healthy.stderr, /container two: has no health check/)
    assert.equal((await sandbox.run(['wait', 'nosuch'])).exitCode, 1)
    assert.equal(await succeeds('wait', '--ignore', 'nosuch', 'one'), '-1\n2')
    const bad = await sandbox.run(['wait', '--condition', 'happy', 'one'])
    assert.match(bad.stderr, /^tsctr: --condition "happy": must be created, running, /)
    const never = await sandbox.run(['wait', '-i', '0', 'one'])
    assert.match(never.stderr, /^tsctr: --interval "0": not a time of at least 1ms/)
  })
})

function hasOpened(pid: number, name: string): boolean {
  const directory = `/proc/${pid}/fd`
  return readdirSync(directory).some((fd) => {
    try {
      return readlinkSync(`${directory}/${fd}`).endsWith(`/${name}`)
    } catch {
      return false
    }
  })
}

/** Directories that a process watches. Source: proc(5) /proc/PID/fdinfo */
function watchesOf(pid: number): number {
  const infos = readdirSync(`/proc/${pid}/fdinfo`).map((fd) => {
    try {
      return readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'ascii')
    } catch {
      return ''
    }
  })
  return infos.join('').match(/^inotify /gm)?.length ?? 0
}
