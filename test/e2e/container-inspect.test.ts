import assert from 'node:assert/strict'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

describe('tsctr container inspect', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    const flags = ['--network', 'none', '-l', 'tier=web', '-v', '/tmp:/x:ro', '-e', 'A=1']
    await succeeds('run', '-d', '--name', 'web', ...flags, 'busybox', 'sleep', '1000')
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

  async function field(template: string): Promise<string> {
    return (await succeeds('container', 'inspect', '-f', template, 'web')).trim()
  }

  test('prints an array with an indent of four', async () => {
    const stdout = await succeeds('container', 'inspect', 'web')
    assert.match(stdout, /^\[\n {4}\{\n {8}"Id": "[0-9a-f]{64}",\n/)
    const [container] = JSON.parse(stdout)
    assert.equal(container.Name, '/web')
    assert.deepEqual(container.Config.Labels, { tier: 'web' })
    assert.deepEqual(container.HostConfig.Binds, ['/tmp:/x:ro'])
    assert.equal(container.CreateCommand.slice(0, 3).join(' '), 'tsctr run -d')
    assert.equal(Object.hasOwn(container, 'SizeRw'), false)
    const [sized] = JSON.parse(await succeeds('container', 'inspect', '-s', 'web'))
    assert.ok(sized.SizeRw > 0 && sized.SizeRw < sized.SizeRootFs)
  })

  test('names what the machine has', async () => {
    const pid = await field('{{.State.Pid}}')
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    assert.equal(await field('{{.Path}}{{range .Args}} {{.}}{{end}}'), command)
    assert.match(readFileSync(`/proc/${pid}/environ`, 'utf8'), /(^|\0)A=1\0/)
    assert.ok((await field('{{.Config.Env}}')).includes('A=1'))
    const netns = await field('{{.NetworkSettings.SandboxKey}}')
    assert.equal(readlinkSync(netns), readlinkSync(`/proc/${pid}/ns/net`))
    const data = JSON.parse(await field('{{json .GraphDriver.Data}}'))
    const mounts = readFileSync('/proc/mounts', 'utf8')
    const line = mounts.split('\n').find((text) => text.split(' ')[1] === data.MergedDir) ?? ''
    for (const [option, path] of [
      ['lowerdir', data.LowerDir],
      ['upperdir', data.UpperDir],
      ['workdir', data.WorkDir],
    ]) {
      assert.ok(line.includes(`${option}=${path}`), `${option} in ${line}`)
    }
    assert.ok(readFileSync(await field('{{.HostnamePath}}'), 'utf8').length > 1)
    assert.equal(readFileSync(await field('{{.LogPath}}'), 'utf8'), '')
  })

  test('follows the container to its end', async () => {
    const startedAt = await field('{{.State.StartedAt}}')
    await succeeds('kill', 'web')
    assert.equal(
      await field('{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}} {{.State.OOMKilled}}'),
      'exited 137 0 false',
    )
    assert.equal(await field('{{.State.StartedAt}}'), startedAt)
    assert.ok((await field('{{.State.FinishedAt}}')) >= startedAt)
  })

  test('of what is not there prints what is, an error for each, and exits with 1', async () => {
    const nothing = await sandbox.run(['container', 'inspect', 'busybox'])
    assert.deepEqual(nothing, {
      stdout: '[]\n',
      stderr: 'Error: No such container: busybox\n',
      exitCode: 1,
    })
    const some = await sandbox.run(['container', 'inspect', '-f', '{{.Name}}', 'no', 'web', 'nor'])
    assert.deepEqual(some, {
      stdout: '/web\n',
      stderr: 'Error: No such container: no\nError: No such container: nor\n',
      exitCode: 1,
    })
  })

  test('a run that was ended for want of memory says so, the next does not', async () => {
    const hungry = 'x=a; while [ ! -e /sated ]; do x=$x$x; done'
    const made = ['--name', 'big', '--network', 'none', '-m', '16m', 'busybox', 'sh', '-c', hungry]
    const { exitCode } = await sandbox.run(['run', ...made])
    assert.equal(exitCode, 137)
    const state = ['container', 'inspect', '-f', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'big']
    assert.equal(await succeeds(...state), 'true 137\n')
    const upper = await succeeds(
      'container',
      'inspect',
      '-f',
      '{{.GraphDriver.Data.UpperDir}}',
      'big',
    )
    writeFileSync(`${upper.trim()}/sated`, '')
    await succeeds('start', 'big')
    await succeeds('wait', 'big')
    assert.equal(await succeeds(...state), 'false 0\n')
  })
})
