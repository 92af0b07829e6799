import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('a container of a hostile image', { skip: needsContainers() || needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox
  let bundle: string

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
    await succeeds('create', '--name', 'from', 'busybox')
    const changes = [
      'ENV LD_PRELOAD=/hostile.so LD_LIBRARY_PATH=/hostile PATH=/hostile:/bin NODE_OPTIONS=--hostile',
      'VOLUME ["/../../etc/kept", "/data"]',
      'LABEL nerdctl/networks=["host"] containerd.io/restart.loguri=binary:///bin/hostile',
    ].flatMap((change) => ['--change', change])
    await succeeds('commit', ...changes, 'from', 'hostile')
    const flags = ['--network', 'none', '--name', 'hostile', '--restart', 'no']
    const id = await succeeds('run', '-d', ...flags, 'hostile', 'sleep', '600')
    bundle = join(sandbox.stateRoot, 'default', id)
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

  // Fault list, b3 38. The container's own program has them, the host's programs have not.
  test('its environment is that of no program of the host', async () => {
    const monitor = readFileSync(join(bundle, 'conmon.pid'), 'ascii').trim()
    assert.doesNotMatch(readFileSync(`/proc/${monitor}/environ`, 'latin1'), /hostile\.so|hostile\b/)
    const inside = readFileSync(join(bundle, 'ctr.pid'), 'ascii').trim()
    assert.match(readFileSync(`/proc/${inside}/environ`, 'latin1'), /LD_PRELOAD=\/hostile\.so/)
  })

  // b3 37.
  test('its labels are no control data', async () => {
    assert.equal(await succeeds('inspect', '-f', '{{json .Config.Labels}}', 'hostile'), '{}')
    assert.equal(await succeeds('inspect', '-f', '{{.HostConfig.NetworkMode}}', 'hostile'), 'none')
  })

  // b3 34.
  test('its volumes are inside of it', async () => {
    const format = '{{range .Mounts}}{{.Type}} {{.Destination}}\n{{end}}'
    const mounts = (await succeeds('inspect', '-f', format, 'hostile')).split('\n').sort()
    assert.deepEqual(mounts, ['volume /data', 'volume /etc/kept'])
  })

  test('a volume in place of /proc is refused, and nothing of it is left', async () => {
    await succeeds('commit', '--change', 'VOLUME /proc', 'from', 'in-proc')
    const args = [
      'run',
      '--rm',
      '--network',
      'none',
      '--name',
      'in-proc',
      'in-proc',
      'cat',
      '/proc/1/comm',
    ]
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.deepEqual([stdout, exitCode], ['', 125], stderr)
    assert.match(stderr, /^tsctr: .*\/proc/)
    assert.doesNotMatch(await succeeds('ps', '-aq', '--filter', 'name=in-proc'), /./)
  })

  // b3 46. CVE-2020-15257: an abstract socket is reached from every container on the host's network.
  test('its monitor’s sockets are files that root alone can reach', () => {
    assert.equal(statSync(sandbox.stateRoot).mode & 0o077, 0)
    assert.ok(statSync(join(bundle, 'attach')).isSocket())
    const monitor = readFileSync(join(bundle, 'conmon.pid'), 'ascii').trim()
    const sockets = readFileSync(`/proc/${monitor}/net/unix`, 'latin1').split('\n')
    assert.ok(sockets.some((line) => line.endsWith('/attach')))
    const abstract = sockets.filter((line) => / @.*(conmon|tsctr|attach)/.test(line))
    assert.deepEqual(abstract, [])
  })
})
