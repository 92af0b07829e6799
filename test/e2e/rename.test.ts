import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('tsctr rename and container exists', {
  skip: needsContainers() || needsRegistry(),
}, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    const { exitCode, stderr } = await run(
      'create',
      '--name',
      'old',
      '--network',
      'none',
      'busybox',
    )
    assert.equal(exitCode, 0, stderr)
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  const run = (...args: string[]) => sandbox.run(args)
  const silent = (exitCode: number) => ({ stdout: '', stderr: '', exitCode })

  test('exists says by its exit code alone what is there', async () => {
    assert.deepEqual(await run('container', 'exists', 'old'), silent(0))
    assert.deepEqual(await run('container', 'exists', 'new'), silent(1))
  })

  test('rename prints nothing; the old name is free', async () => {
    assert.deepEqual(await run('rename', 'old', 'new'), silent(0))
    assert.deepEqual(await run('container', 'exists', 'old'), silent(1))
    const { stdout } = await run('ps', '-a', '--format', '{{.Names}}')
    assert.equal(stdout, 'new\n')
    assert.deepEqual(await run('container', 'rename', 'new', 'newer'), silent(0))
  })

  test('a name that cannot be one is refused before anything is looked up', async () => {
    const { stderr, exitCode } = await run('rename', 'newer', '../x')
    assert.match(stderr, /^tsctr: name "\.\.\/x": not a name\n/)
    assert.equal(exitCode, 1)
  })
})
