import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

describe('a container that runs', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', 'busybox')
  })
  afterEach(() => sandbox.run(['rm', '-f', 'it']))
  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  async function start(...program: string[]): Promise<{ id: string; bundle: string }> {
    const args = ['run', '-d', '--name', 'it', '--network', 'none', 'busybox', ...program]
    const id = (await succeeds(...args)).trim()
    return { id, bundle: join(sandbox.stateRoot, 'default', id) }
  }

  const pidIn = (bundle: string, name: string): number =>
    Number(readFileSync(join(bundle, name), 'ascii'))

  test('exec exits as its program did, or with 125 to 127 where there was none', async () => {
    await start('sleep', '1000')
    for (const [args, expected] of [
      [['it', 'sh', '-c', 'exit 5'], 5],
      [['it', 'sh', '-c', 'kill -9 $$'], 137],
      [['it', 'nosuch'], 127],
      [['it', '/etc'], 126],
      [['-u', 'nosuch', 'it', 'true'], 125],
      [['nosuch', 'true'], 125],
      [['it'], 125],
    ] as const) {
      const { exitCode, stderr } = await sandbox.run(['exec', ...args])
      assert.equal(exitCode, expected, args.join(' '))
      if (exitCode >= 125 && exitCode < 128) assert.match(stderr, /^tsctr: .*\n(hint: .*\n)?$/)
    }
    await succeeds('stop', '-t', '0', 'it')
    const stopped = await sandbox.run(['exec', 'it', 'true'])
    assert.deepEqual(stopped, {
      stdout: '',
      stderr: 'tsctr: container it: is not running\nhint: tsctr start it\n',
      exitCode: 125,
    })
  })

  // -o was refused as an option that tsctr does not have.
  test('top hands everything after the container to ps', async () => {
    const { bundle } = await start('sleep', '1000')
    const pid = pidIn(bundle, 'ctr.pid')
    assert.equal(
      await succeeds('top', 'it', '-o', 'pid,args'),
      `${'PID'.padEnd(20)}COMMAND\n${String(pid).padEnd(20)}sleep 1000\n`,
    )
    assert.match(await succeeds('top', 'it', 'aux'), new RegExp(`^root +${pid} `, 'm'))
    const [title = '', line = ''] = (await succeeds('top', 'it')).split('\n')
    const columns = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']
    assert.equal(
      title,
      `${columns
        .slice(0, -1)
        .map((name) => name.padEnd(20))
        .join('')}CMD`,
    )
    assert.match(line, new RegExp(`^root {16}${String(pid).padEnd(20)}\\d+ .* sleep 1000$`))
    for (const [option, message] of [
      ['uid', 'shows no PID column'],
      ['ppid=PID', 'ppid must not be named PID'],
    ] as const) {
      const { exitCode, stderr } = await sandbox.run(['top', 'it', '-o', option])
      assert.equal(exitCode, 1)
      assert.equal(stderr, `tsctr: ps -o ${option}: ${message}\n`)
    }
    const events = await succeeds('events', '--since', '1h', '--until', '0s', '-f', 'event=top')
    assert.match(events, /container top /)
  })

  test('kill sends the signal and wait prints the exit code', async () => {
    await start('sh', '-c', 'trap "exit 8" USR1; echo ready; while :; do sleep 0.05; done')
    while ((await succeeds('logs', 'it')) !== 'ready\n') {}
    const waiting = sandbox.run(['wait', 'it'])
    assert.equal(await succeeds('kill', '-s', 'USR1', 'it'), 'it\n')
    assert.equal((await waiting).stdout, '8\n')
    const again = await sandbox.run(['kill', 'it'])
    assert.equal(again.exitCode, 1)
    assert.match(again.stderr, /^tsctr: container it: is not running/)
  })

  test('whichever of its processes is killed, it has ended, starts again and can be removed', async () => {
    const { bundle } = await start('sleep', '1000')
    for (const names of [['conmon.pid'], ['ctr.pid'], ['conmon.pid', 'ctr.pid']]) {
      const pids = ['conmon.pid', 'ctr.pid'].map((name) => pidIn(bundle, name))
      for (const name of names) process.kill(pidIn(bundle, name), 'SIGKILL')
      assert.match(await succeeds('wait', 'it'), /^(137|255)\n$/)
      assert.equal(await succeeds('ps', '-q'), '', names.join())
      assert.equal(await succeeds('ps', '-a', '--format', '{{.State}}'), 'exited\n')
      for (const pid of pids) assert.equal(isRunning(pid), false, names.join())
      await succeeds('start', 'it')
      assert.equal(await succeeds('exec', 'it', 'echo', 'back'), 'back\n')
    }
    await succeeds('rm', '-f', 'it')
    assert.equal(existsSync(bundle), false)
    assert.doesNotMatch(readFileSync('/proc/mounts', 'utf8'), new RegExp(`${sandbox.directory}/`))
  })
})

/** What nobody has waited for yet counts as ended. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
