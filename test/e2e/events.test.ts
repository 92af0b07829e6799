import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'

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

  test('networks and volumes tell who takes them and gives them back', async () => {
    const mount = ['-v', 'kept:/data:ro', '-v', '/own']
    const id = (await succeeds('run', '-d', '--name', 'user', ...mount, 'busybox', 'true')).trim()
    await succeeds('wait', 'user')
    await succeeds('rm', '-v', 'user')
    const format = '{{.Type}} {{.Action}} {{json .Actor.Attributes}}'
    const of = ['--filter', 'type=network', '--filter', 'type=volume', '--format', format]
    const lines = (await succeeds(...past, ...of)).trim().split('\n')
    const network = JSON.stringify({ container: id, name: 'bridge', type: 'bridge' })
    assert.deepEqual(
      lines.filter((line) => line.startsWith('network')),
      [`network connect ${network}`, `network disconnect ${network}`],
    )
    assert.deepEqual(
      lines.filter((line) => line.includes('/data') || / (create|unmount|destroy) /.test(line)),
      [
        'volume create {"driver":"local"}',
        'volume create {"driver":"local"}',
        `volume mount {"container":"${id}","destination":"/data","driver":"local","propagation":"","read/write":"false"}`,
        `volume unmount {"container":"${id}","driver":"local"}`,
        `volume unmount {"container":"${id}","driver":"local"}`,
        'volume destroy {"driver":"local"}',
      ],
    )
  })

  test('what makes, moves and removes images is told once it is true, in docker’s words', async () => {
    const namespace = ['-n', 'images']
    const of = (...args: string[]): Promise<string> => succeeds(...namespace, ...args)
    const archive = join(sandbox.directory, 'saved.tar')
    const root = tarOf(file('a', 'a'))
    await of('pull', '-q', 'busybox')
    const target = await of('image', 'inspect', '-f', '{{.Descriptor.digest}}', 'busybox')
    const pushed = `${registry.host}/events/app`
    await of('tag', 'busybox', `${pushed}:1`)
    await of('push', '-q', `${pushed}:1`)
    await of('save', '-o', archive, 'busybox')
    await of('save', '-o', archive, 'busybox', `${pushed}:1`)
    await of('rmi', 'busybox', `${pushed}:1`)
    await of('load', '-i', archive)
    const imported = async (...more: string[]): Promise<void> => {
      const args = [...namespace, 'import', '-', ...more]
      assert.equal((await sandbox.run(args, { input: root })).exitCode, 0)
    }
    await imported()
    await imported('files:1')
    await of('create', '--name', 'changed', 'busybox')
    await of('commit', '-m', 'why', 'changed', 'committed')
    await of('image', 'convert', '--zstd', 'busybox', 'smaller')
    for (const failing of [
      ['pull', '-q', 'nosuch'],
      ['push', '-q', 'busybox:nosuch'],
      ['save', '-o', archive, 'nosuch'],
      ['save', '-o', `${sandbox.directory}/no/dir.tar`, 'busybox'],
      ['load', '-i', `${archive}.nosuch`],
      ['rmi', 'nosuch'],
    ]) {
      assert.equal((await sandbox.run([...namespace, ...failing])).exitCode, 1, failing.join(' '))
    }
    const format = '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}}'
    const lines = (await of(...past, '--format', format)).trim().split('\n')
    const id = 'sha256:[0-9a-f]{64}'
    const [busybox = '', app] = [target.trim(), `${pushed}:1`]
    const expected = [
      'image pull busybox:latest busybox',
      `image tag ${busybox} ${app}`,
      `image push ${app} ${pushed}`,
      `image save ${busybox} busybox:latest`,
      `image save ${busybox} busybox:latest`,
      `image save ${busybox} ${app}`,
      `image untag ${busybox} busybox:latest`,
      `image untag ${busybox} ${app}`,
      `image delete ${busybox} ${busybox}`,
      `image load ${busybox} ${busybox}`,
      `image import (${id}) \\1`,
      `image tag ${id} files:1`,
      `image import (${id}) \\2`,
      `container create [0-9a-f]{64} changed`,
      `image tag ${id} committed:latest`,
      `container commit [0-9a-f]{64} changed`,
      `image tag ${id} smaller:latest`,
    ]
    assert.match(lines.join('\n'), new RegExp(`^${expected.join('\n')}$`), lines.join('\n'))
  })

  test('a template that cannot be read ends with 64', async () => {
    const { stderr, exitCode } = await sandbox.run([...past, '--format', '{{.Type'])
    assert.equal(exitCode, 64)
    assert.match(stderr, /^tsctr: /)
  })
})
