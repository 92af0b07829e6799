import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

describe('pause and unpause', { skip }, () => {
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

  async function startTicking(): Promise<void> {
    const script = 'trap "exit 4" TERM; while :; do echo tick; sleep 0.05; done'
    await succeeds('run', '-d', '--name', 'it', '--network', 'none', 'busybox', 'sh', '-c', script)
  }

  const state = (): Promise<string> =>
    succeeds('inspect', '-f', '{{.State.Status}} {{.State.Running}} {{.State.Paused}}', 'it')

  test('a paused container stands still, says so and goes on', async () => {
    await startTicking()
    assert.equal(await succeeds('pause', 'it'), 'it\n')
    assert.equal(await state(), 'paused true true\n')
    assert.match(
      await succeeds('ps', '--format', '{{.State}}: {{.Status}}'),
      /^paused: Up .* \(Paused\)\n$/,
    )
    assert.equal(await succeeds('ps', '--filter', 'status=running', '-q'), '')
    const before = await succeeds('logs', 'it')
    assert.equal(await succeeds('logs', 'it'), before)
    assert.deepEqual(await sandbox.run(['exec', 'it', 'true']), {
      stdout: '',
      stderr:
        'tsctr: container it: is paused, unpause the container before exec\nhint: tsctr unpause it\n',
      exitCode: 125,
    })
    const again = await sandbox.run(['pause', 'it'])
    assert.deepEqual(again, {
      stdout: '',
      stderr: 'tsctr: container it: is already paused\n',
      exitCode: 1,
    })
    assert.equal(await succeeds('unpause', 'it'), 'it\n')
    assert.equal(await state(), 'running true false\n')
    while ((await succeeds('logs', 'it')) === before) {}
    const events = await succeeds(
      'events',
      '--since',
      '0',
      '--until',
      '0s',
      '--format',
      '{{.Action}}',
    )
    assert.match(events, /^pause\nunpause$/m)
  })

  test('stop, restart and rm -f work on a paused container', async () => {
    await startTicking()
    await succeeds('pause', 'it')
    await succeeds('stop', 'it')
    assert.equal(await succeeds('inspect', '-f', '{{.State.ExitCode}}', 'it'), '4\n')
    await succeeds('start', 'it')
    await succeeds('pause', 'it')
    await succeeds('restart', 'it')
    assert.equal(await state(), 'running true false\n')
    await succeeds('pause', 'it')
    await succeeds('kill', 'it')
    assert.equal(await succeeds('inspect', '-f', '{{.State.ExitCode}}', 'it'), '137\n')
    await succeeds('start', 'it')
    await succeeds('pause', 'it')
    await succeeds('rm', '-f', 'it')
    assert.equal(await succeeds('ps', '-aq'), '')
  })

  test('what does not run, or is not paused, is refused', async () => {
    await succeeds('create', '--name', 'it', '--network', 'none', 'busybox', 'true')
    for (const [command, name, words] of [
      ['pause', 'it', 'container it: is not running'],
      ['unpause', 'it', 'container it: is not running'],
      ['pause', 'nosuch', 'container nosuch: no such container'],
    ] as const) {
      const { exitCode, stderr } = await sandbox.run([command, name])
      assert.equal(exitCode, 1)
      assert.match(stderr, new RegExp(`^tsctr: ${words}\\n`))
    }
  })
})
