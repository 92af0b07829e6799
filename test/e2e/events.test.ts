import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('events', { skip: needsContainers() || needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  const past = ['events', '--since', '1h', '--until', '0s']

  test('a whole life is in the journal, in docker’s words and form', async () => {
    const following = sandbox.start(['events', '--filter', 'container=life'])
    await succeeds('pull', '-q', 'busybox')
    await succeeds('tag', 'busybox', 'busybox:second')
    const run = ['run', '-d', '--name', 'life', '--label', 'team=one', '--network', 'none']
    const id = (await succeeds(...run, 'busybox', 'sleep', '1000')).trim()
    await succeeds('stop', '-t', '0', 'life')
    await succeeds('restart', '-t', '0', 'life')
    await succeeds('rm', '-f', 'life')
    await succeeds('rmi', 'busybox:second')
    const actions = await succeeds(...past, '--format', '{{.Type}} {{.Action}}')
    assert.deepEqual(actions.trim().split('\n'), [
      'image pull',
      'image tag',
      'container create',
      'container start',
      'container kill',
      'container kill',
      'container die',
      'container stop',
      'container start',
      'container restart',
      'container kill',
      'container die',
      'container destroy',
      'image untag',
    ])
    const [die] = (await succeeds(...past, '--filter', 'event=die', '--format', 'json')).split('\n')
    const shown = JSON.parse(die ?? '')
    assert.equal(shown.id, id)
    assert.equal(shown.from, 'busybox')
    assert.equal(shown.Actor.Attributes.exitCode, '137')
    assert.equal(shown.Actor.Attributes.team, 'one')
    assert.match(die ?? '', /"timeNano":\d{19}[,}]/)
    following.child.kill('SIGINT')
    const { stdout, exitCode } = await following.finished
    assert.equal(exitCode, 0)
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)`
    const line = `^${time} container create ${id} \\(image=busybox, name=life, team=one\\)$`
    assert.match(stdout, new RegExp(line, 'm'))
  })

  test('a template that cannot be read ends with 64', async () => {
    const { stderr, exitCode } = await sandbox.run([...past, '--format', '{{.Type'])
    assert.equal(exitCode, 64)
    assert.match(stderr, /^tsctr: /)
  })
})
