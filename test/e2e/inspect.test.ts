import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('inspect', { skip: needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await sandbox.run(['pull', '-q', 'redis:alpine'])
  })
  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  test('of an image prints docker’s document', async () => {
    const { stdout, exitCode } = await sandbox.run(['inspect', 'redis:alpine'])
    assert.equal(exitCode, 0)
    assert.match(stdout, /^\[\n {4}\{\n {8}"Id": "sha256:/)
    const [image] = JSON.parse(stdout)
    assert.deepEqual(image.RepoTags, ['redis:alpine'])
    assert.match(image.RepoDigests[0], /^redis@sha256:[0-9a-f]{64}$/)
    assert.deepEqual(image.Config.Cmd, ['redis-server'])
    assert.deepEqual(image.Config.Volumes, { '/data': {} })
    assert.deepEqual(image.Config.ExposedPorts, { '6379/tcp': {} })
    assert.equal(image.Config.Labels, null)
    assert.equal(image.RootFS.Layers.length, 6)
    assert.equal(image.GraphDriver.Data.LowerDir.split(':').length, 5)
    assert.equal(image.GraphDriver.Data.UpperDir, `${sandbox.dataRoot}/snapshots/6/fs`)
    assert.ok(image.Size > 10_000_000)
    assert.equal(image.Descriptor.mediaType, 'application/vnd.oci.image.index.v1+json')
  })

  test('finds the image by id, and fills in a template', async () => {
    const { stdout: id } = await sandbox.run(['images', '-q'])
    const format = '{{.Os}} {{len .Config.Env}} {{.Config.Labels}} {{.Config.Healthcheck}}'
    for (const args of [
      ['inspect', '-f', format, id.trim()],
      ['image', 'inspect', '--format', format, 'redis:alpine'],
      ['inspect', '--type', 'image', '-f', format, 'redis:alpine'],
    ]) {
      const { stdout, stderr } = await sandbox.run(args)
      assert.equal(stdout, 'linux 2 map[] <nil>\n', stderr)
    }
  })

  test('of what is not there prints what is, an error, and exits with 1', async () => {
    const nothing = await sandbox.run(['inspect', 'nothing'])
    assert.deepEqual(nothing, {
      stdout: '[]\n',
      stderr: 'Error: No such object: nothing\n',
      exitCode: 1,
    })
    const format = ['-f', '{{index .RepoTags 0}}']
    const one = await sandbox.run(['image', 'inspect', ...format, 'nothing', 'redis:alpine'])
    assert.deepEqual(one, {
      stdout: 'redis:alpine\n',
      stderr: 'Error: No such image: nothing\n',
      exitCode: 1,
    })
    const other = await sandbox.run(['inspect', '--type=container', 'redis:alpine'])
    assert.match(other.stderr, /^Error: No such container: redis:alpine\n$/)
  })

  test('of a platform that is not here', async () => {
    const other = process.arch === 'arm64' ? 'amd64' : 'arm64'
    const args = ['image', 'inspect', '--platform', `linux/${other}`, 'redis:alpine']
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.deepEqual([stdout, exitCode], ['[]\n', 1])
    assert.equal(stderr, `Error: No such image for linux/${other}: redis:alpine\n`)
  })

  test('a bad template and a bad type', async () => {
    const template = await sandbox.run(['inspect', '-f', '{{.Nope}}', 'redis:alpine'])
    assert.match(template.stderr, /^tsctr: template parsing error: .*"Nope"\n/)
    assert.equal(template.exitCode, 1)
    const type = await sandbox.run(['inspect', '--type=secret', 'redis:alpine'])
    assert.match(
      type.stderr,
      /^tsctr: --type "secret": must be container, image, volume or network\n/,
    )
    assert.equal(type.exitCode, 1)
  })

  test('takes a container before an image of that name', { skip: needsContainers() }, async () => {
    await sandbox.run(['tag', 'redis:alpine', 'same'])
    const created = await sandbox.run([
      'create',
      '--name',
      'same',
      '--network',
      'none',
      'redis:alpine',
    ])
    assert.equal(created.exitCode, 0, created.stderr)
    const field = ['inspect', '-f', '{{.Id}}', 'same']
    assert.equal((await sandbox.run(field)).stdout, created.stdout)
    assert.match((await sandbox.run([...field, '--type=image'])).stdout, /^sha256:/)
    const rmi = await sandbox.run(['rmi', '-f', 'same', 'redis:alpine'])
    assert.equal(rmi.exitCode, 0, rmi.stderr)
    assert.doesNotMatch(rmi.stdout, /Deleted/, 'the container still needs its image')
    assert.equal((await sandbox.run(['rm', 'same'])).exitCode, 0)
    const { stdout } = await sandbox.run(['gc'])
    assert.equal(stdout.match(/^sha256:/gm)?.length, 9 + 6)
  })
})
