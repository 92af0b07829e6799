import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const isOfCheck = /\/run\/default\/[0-9a-f]{64}\/health\b| internal health /

interface Health {
  readonly Status: string
  readonly FailingStreak: number
  readonly Log: readonly { Start: string; End: string; ExitCode: number; Output: string }[]
}

describe('health checks', { skip: needsContainers() || needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
  })

  afterEach(async () => {
    await sandbox.run(['rm', '-f', 'it'])
    // What was just judging a check finds its container gone, and ends by itself.
    await untilGone()
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  const quick = ['--health-interval', '100ms']
  const start = (flags: readonly string[], ...program: string[]): Promise<string> =>
    succeeds(
      ...['run', '-d', '--name', 'it', '--network', 'none', ...flags, 'busybox'],
      ...(program.length > 0 ? program : ['sleep', '1000']),
    )

  const status = (): Promise<string> => succeeds('ps', '-a', '--format', '{{.Status}}')
  const health = async (): Promise<Health> =>
    JSON.parse(await succeeds('inspect', '-f', '{{json .State.Health}}', 'it')) as Health

  async function until(holds: (health: Health) => boolean): Promise<Health> {
    const deadlineMs = Date.now() + 40_000
    for (;;) {
      const now = await health()
      if (holds(now)) return now
      assert.ok(Date.now() < deadlineMs, JSON.stringify(now))
    }
  }

  /** Processes that a helper is, or has started on the host. */
  function processes(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => `${pid} ${commandOf(pid)}`)
      .filter((command) => command.includes(`${sandbox.directory}/`) && isOfCheck.test(command))
  }

  const helperPid = (): number => {
    const helper = processes().find((command) => /^\d+ \/bin\/sh \S+helper\.sh /.test(command))
    assert.ok(helper !== undefined, processes().join('\n'))
    return Number(helper.split(' ')[0])
  }

  const pidIn = (id: string, name: string): number =>
    Number(readFileSync(join(sandbox.stateRoot, 'default', id, name), 'ascii'))

  test('a container becomes healthy, unhealthy and healthy again, and everything tells so', async () => {
    const retries = ['--health-retries', '2', '--health-cmd', 'echo looked; test -e /ok']
    await start([
      ...quick,
      ...retries,
      '--health-start-period',
      '1h',
      '--health-start-interval',
      '100ms',
    ])
    const first = await until(({ Log }) => Log.length >= 3)
    assert.deepEqual([first.Status, first.FailingStreak], ['starting', 0], 'in the start period')
    assert.match(await status(), /^Up .* \(health: starting\)$/)

    await succeeds('exec', 'it', 'touch', '/ok')
    assert.equal(await succeeds('wait', '--condition', 'healthy', 'it'), '-1')
    assert.match(await status(), /^Up .* \(healthy\)$/)
    for (const [filter, ids] of [
      ['healthy', 'it'],
      ['starting', ''],
      ['unhealthy', ''],
      ['none', ''],
    ] as const) {
      const listed = ['ps', '-a', '--format', '{{.Names}}', '--filter', `health=${filter}`]
      assert.equal(await succeeds(...listed), ids, filter)
    }
    // Results that change nothing are there all the same, without any tsctr started for them.
    const before = await health()
    await delay(1000)
    const healthy = await health()
    assert.equal(healthy.Log.length, 5)
    assert.notEqual(healthy.Log.at(-1)?.Start, before.Log.at(-1)?.Start)
    for (const { Start, End, ExitCode, Output } of healthy.Log.slice(-1)) {
      assert.ok(Start < End)
      assert.deepEqual([ExitCode, Output], [0, 'looked\n'])
    }

    await succeeds('exec', 'it', 'rm', '/ok')
    await succeeds('wait', '--condition', 'unhealthy', 'it')
    const unhealthy = await health()
    assert.ok(unhealthy.FailingStreak >= 2)
    assert.equal(unhealthy.Log.at(-1)?.ExitCode, 1)
    assert.equal(await succeeds('ps', '--format', '{{.HealthStatus}}'), 'unhealthy')
    await succeeds('exec', 'it', 'touch', '/ok')
    await until(({ Status, FailingStreak }) => Status === 'healthy' && FailingStreak === 0)

    const past = ['events', '--since', '1h', '--until', '0s', '--format', '{{.Action}}']
    const events = await succeeds(
      ...past,
      '--filter',
      'container=it',
      '--filter',
      'event=health_status',
    )
    assert.deepEqual(events.split('\n'), [
      'health_status: healthy',
      'health_status: unhealthy',
      'health_status: healthy',
    ])
    await succeeds('stop', '-t', '0', 'it')
    assert.equal((await health()).Status, 'unhealthy', 'as docker has it')
    assert.match(await status(), /^Exited /)
    assert.deepEqual(processes(), [])
  })

  test('a check that takes too long is killed with all it has started', async () => {
    const slow = 'sleep 3141 & echo begun; sleep 3142'
    await start([
      ...quick,
      '--health-timeout',
      '300ms',
      '--health-retries',
      '1',
      '--health-cmd',
      slow,
    ])
    const { Log } = await until(({ Status }) => Status === 'unhealthy')
    assert.equal(Log[0]?.ExitCode, -1)
    assert.match(Log[0]?.Output ?? '', /^Health check exceeded timeout \(300ms\)(: begun\n)?$/)
    // The next one may be running: it is younger than its time, the first is not.
    const running =
      (await succeeds('top', 'it', '-o', 'pid,args')).match(/^ *\d+ sleep 3141$/gm) ?? []
    assert.ok(running.length <= 1, running.join())
  })

  test('its output is cut, its user and environment are those of the container', async () => {
    const check = 'id -u; echo $COLOR $PWD; head -c 100000 /dev/zero | tr "\\0" x'
    const own = ['-u', '7', '-e', 'COLOR=red', '-w', '/tmp']
    await start([...own, ...quick, '--health-cmd', check])
    const { Log } = await until(({ Status }) => Status === 'healthy')
    const output = Log[0]?.Output ?? ''
    assert.match(output, /^7\nred \/tmp\nx+\.\.\.$/)
    assert.equal(output.length, 4096 + '...'.length)
  })

  test('a helper that is killed is started again by whoever looks, and goes with the container', async () => {
    const id = await start([...quick, '--health-cmd', 'true'])
    await until(({ Status }) => Status === 'healthy')
    const killed = helperPid()
    process.kill(killed, 'SIGKILL')
    assert.match(await status(), /\(healthy\)$/)
    assert.notEqual(helperPid(), killed)
    const before = await health()
    await until(({ Log }) => Log.at(-1)?.Start !== before.Log.at(-1)?.Start)

    // Nobody is told: it looks itself.
    for (const name of ['conmon.pid', 'ctr.pid']) process.kill(pidIn(id, name), 'SIGKILL')
    await untilGone()
    assert.match(await status(), /^Exited \(255\)/)

    await succeeds('start', 'it')
    await until(({ Status }) => Status === 'healthy')
    // The exit hook ends it.
    process.kill(pidIn(id, 'ctr.pid'), 'SIGKILL')
    await untilGone()
    await succeeds('restart', 'it')
    await until(({ Status }) => Status === 'healthy')
    await succeeds('rm', '-f', 'it')
    assert.deepEqual(processes(), [])
    assert.equal(existsSync(join(sandbox.stateRoot, 'default', id)), false)
  })

  async function untilGone(): Promise<void> {
    const deadlineMs = Date.now() + 20_000
    while (processes().length > 0) {
      assert.ok(Date.now() < deadlineMs, processes().join('\n'))
      await delay(50)
    }
  }

  test('a paused container is not checked', async () => {
    const id = await start([...quick, '--health-cmd', 'true'])
    await until(({ Status }) => Status === 'healthy')
    const runc = (verb: string): Promise<unknown> =>
      sandbox.start(['--root', join(sandbox.stateRoot, 'default/.runtime'), verb, id], {
        program: 'runc',
      }).finished
    await runc('pause')
    await delay(500)
    const paused = await health()
    await delay(1000)
    assert.deepEqual(await health(), paused)
    await runc('resume')
    const { FailingStreak } = await until(
      ({ Log }) => Log.at(-1)?.Start !== paused.Log.at(-1)?.Start,
    )
    assert.equal(FailingStreak, 0)
  })

  test('the check of an image counts, its fields one by one, or not at all', async () => {
    await start(['--no-healthcheck'])
    assert.deepEqual(processes(), [])
    const changes = 'HEALTHCHECK --interval=100ms --retries=9 CMD ["test", "-e", "/ok"]'
    await succeeds('commit', '--change', changes, 'it', 'checked')
    await succeeds('rm', '-f', 'it')
    const run = ['run', '-d', '--name', 'it', '--network', 'none']
    await succeeds(...run, '--health-retries', '1', 'checked')
    const shown = await succeeds('inspect', '-f', '{{json .Config.Healthcheck}}', 'it')
    assert.deepEqual(JSON.parse(shown), {
      Test: ['CMD', 'test', '-e', '/ok'],
      Interval: 1e8,
      Retries: 1,
    })
    await until(({ Status, FailingStreak }) => Status === 'unhealthy' && FailingStreak >= 1)
    await succeeds('rm', '-f', 'it')
    await succeeds(...run, '--no-healthcheck', 'checked')
    assert.equal(await succeeds('inspect', '-f', '{{json .State.Health}}', 'it'), 'null')
    assert.deepEqual(processes(), [])
    assert.equal(await succeeds('ps', '-q', '--filter', 'health=none').then((id) => id.length), 12)
  })

  test('run -d --wait returns when it is healthy, or fails with what the check said', async () => {
    const program = ['sh', '-c', 'sleep 1; touch /ok; sleep 1000']
    await start(['--wait', ...quick, '--health-cmd', 'test -e /ok'], ...program)
    assert.match(await status(), /\(healthy\)$/)
    await succeeds('rm', '-f', 'it')

    await start(['--wait'])
    await succeeds('rm', '-f', 'it')

    const args = ['run', '-d', '--wait', '--name', 'it', '--network', 'none', ...quick]
    const failing = [...args, '--health-retries', '2', '--health-cmd', 'echo no luck; exit 3']
    const unhealthy = await sandbox.run([...failing, 'busybox', 'sleep', '1000'])
    assert.equal(unhealthy.exitCode, 1)
    assert.match(unhealthy.stdout, /^[0-9a-f]{64}\n$/)
    assert.equal(
      unhealthy.stderr,
      'tsctr: container it: is unhealthy: no luck\nhint: tsctr logs it\n',
    )
    await succeeds('rm', '-f', 'it')
    const ended = await sandbox.run([...failing, 'busybox', 'sh', '-c', 'exit 6'])
    assert.equal(ended.exitCode, 1)
    assert.match(ended.stderr, /^tsctr: container it: ended with exit code 6 before it was healthy/)

    const attached = await sandbox.run(['run', '--wait', 'busybox'])
    assert.deepEqual([attached.exitCode, attached.stderr], [125, 'tsctr: --wait: needs --detach\n'])
  })

  test('values that cannot be are refused before anything is made', async () => {
    for (const [flag, value, problem] of [
      ['--health-interval', '-1s', 'not a time of at least 1ms'],
      ['--health-timeout', '10us', 'not a time of at least 1ms'],
      ['--health-retries', 'many', 'not a whole number'],
    ] as const) {
      const { exitCode, stderr } = await sandbox.run(['run', flag, value, 'busybox'])
      assert.equal(exitCode, 125)
      assert.ok(stderr.startsWith(`tsctr: ${flag} "${value}": ${problem}`), stderr)
    }
    assert.equal(await succeeds('ps', '-aq'), '')
  })
})

function commandOf(pid: string): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    if (/\) [ZX] /.test(stat)) return ''
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
