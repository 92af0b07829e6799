import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, afterEach, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('tsctr update', { skip: needsContainers() || needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
  })
  afterEach(() => sandbox.run(['rm', '-f', 'it']))
  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  const run = (...flags: string[]): Promise<string> =>
    succeeds('run', '-d', '--name', 'it', '--network', 'none', ...flags, 'busybox', 'sleep', '1000')

  /** As the container's cgroup has it, on v1 or v2. */
  const cgroupFile = (v1: string, v2: string): Promise<string> =>
    succeeds('exec', 'it', 'sh', '-c', `cat /sys/fs/cgroup/${v1} || cat /sys/fs/cgroup/${v2}`)

  test('changes the limits of a running container, and of its next start', async () => {
    await run('-m', '64m')
    assert.equal(
      await succeeds('update', '-m', '96m', '--memory-swap', '192m', '--pids-limit', '77', 'it'),
      'it',
    )
    const memory = (): Promise<string> => cgroupFile('memory/memory.limit_in_bytes', 'memory.max')
    const pids = (): Promise<string> => cgroupFile('pids/pids.max', 'pids.max')
    assert.equal(await memory(), String(96 * 1024 * 1024))
    assert.equal(await pids(), '77')
    await succeeds('restart', '-t', '0', 'it')
    assert.equal(await memory(), String(96 * 1024 * 1024))
    assert.equal(await pids(), '77')
    const format = '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}'
    assert.equal(await succeeds('inspect', '-f', format, 'it'), `${96 * 1024 * 1024} 77`)
  })

  test('changes the restart policy, but not of one with --rm', async () => {
    await run()
    await succeeds('update', '--restart', 'on-failure:4', 'it')
    const format =
      '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}'
    assert.equal(await succeeds('inspect', '-f', format, 'it'), 'on-failure 4')
    await succeeds('rm', '-f', 'it')
    await run('--rm')
    const { exitCode, stderr } = await sandbox.run(['update', '--restart', 'always', 'it'])
    assert.equal(exitCode, 1)
    assert.match(stderr, /^tsctr: container it: goes when it ends/)
  })

  test('what is wrong, or missing, changes nothing', async () => {
    await run('-m', '64m', '--memory-swap', '128m')
    for (const [args, expected] of [
      [['it'], /^tsctr: update: no flag says what to change/],
      [['-m', '1', 'it'], /^tsctr: --memory /],
      [
        ['--memory-reservation', '65m', 'it'],
        /^tsctr: container it: --memory-reservation: above --memory\n$/,
      ],
      [
        ['-m', '200m', 'it'],
        /^tsctr: container it: --memory-swap: counts memory and swap together/,
      ],
      [['--cpuset-cpus', '999', 'it'], /^tsctr: /],
      [['--cpus', '1', '--cpu-quota', '5000', 'it'], /--cpus: contradicts --cpu-quota\n$/],
      [['-m', '70m', 'nosuch'], /^tsctr: container nosuch: no such container\n$/],
    ] as const) {
      const { exitCode, stderr } = await sandbox.run(['update', ...args])
      assert.equal(exitCode, 1, args.join(' '))
      assert.match(stderr, expected)
    }
    const format = '{{.HostConfig.CpusetCpus}} {{.HostConfig.Memory}}'
    assert.equal(await succeeds('inspect', '-f', format, 'it'), ` ${64 * 1024 * 1024}`.trim())
  })

  test('show-run prints a line that a shell takes again', async () => {
    const words = [
      'create',
      '--name',
      'it',
      '-e',
      "A=it's $HOME",
      '-l',
      'two=a\nb',
      'busybox',
      'true',
    ]
    await succeeds(...words)
    const line = await succeeds('container', 'show-run', 'it')
    const taken = execFileSync('bash', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
    assert.deepEqual(taken.split('\0').slice(0, -1), ['tsctr', ...words])
  })

  test('spec prints what the runtime was given, while it runs', async () => {
    await run('-w', '/tmp')
    const spec = JSON.parse(await succeeds('container', 'spec', 'it'))
    assert.equal(spec.process.cwd, '/tmp')
    await succeeds('stop', '-t', '0', 'it')
    const { exitCode, stderr } = await sandbox.run(['container', 'spec', 'it'])
    assert.equal(exitCode, 1)
    assert.match(stderr, /^tsctr: container it: is not running\n/)
  })
})
