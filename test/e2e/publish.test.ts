import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { runInNetworkNamespace } from '../../src/network/network-namespace.ts'
import {
  needsContainers,
  needsNetwork,
  needsPrograms,
  needsRegistry,
} from '../helpers/capabilities.ts'
import { createSandbox, type RunResult, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'
import {
  becomePrivateHost,
  hostAddress,
  makeOutside,
  type Outside,
  output,
  outputInside,
  startServer,
} from '../network/private-host.ts'

const skip = needsContainers() || needsNetwork() || needsRegistry() || needsPrograms('curl')

describe('run -p', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox
  let outside: Outside

  before(async () => {
    becomePrivateHost()
    outside = makeOutside()
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
  })

  afterEach(async () => {
    const ids = (await succeeds('ps', '-aq')).split('\n').filter(Boolean)
    if (ids.length > 0) await succeeds('rm', '-f', ...ids)
    assert.equal(sandboxRow('SELECT count(*) FROM port'), '0')
    assert.doesNotMatch(output('nft', 'list', 'ruleset'), /elements/)
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
    outside.remove()
  })

  const run = (...args: string[]): Promise<RunResult> => sandbox.run(args)

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await run(...args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  function sandboxRow(sql: string): string {
    const database = new DatabaseSync(join(sandbox.dataRoot, 'meta.db'), { readOnly: true })
    try {
      return String(Object.values(database.prepare(sql).get() ?? {})[0])
    } finally {
      database.close()
    }
  }
  const script = 'echo hello > /index.html; exec httpd -f -p 80 -h /'
  const web = (...flags: string[]): Promise<string> =>
    succeeds('run', '-d', ...flags, 'busybox', 'sh', '-c', script)
  const get = (address: string): string =>
    output(
      'curl',
      '-sS',
      '--max-time',
      '3',
      '--retry',
      '5',
      '--retry-connrefused',
      '--retry-delay',
      '1',
      `http://${address}/index.html`,
    ).trim()

  test('a web server is reached from outside and from the host; ps, port and inspect say where', async () => {
    await web('--name', 'web', '-p', '8080:80', '-p', '127.0.0.1:8443:443', '--expose', '9000/udp')
    const seen = outputInside(
      outside.netns,
      'curl',
      '-sS',
      '--max-time',
      '3',
      `http://${hostAddress}:8080/index.html`,
    )
    assert.equal(seen.trim(), 'hello')
    assert.equal(get('127.0.0.1:8080'), 'hello')
    assert.equal(get(`${hostAddress}:8080`), 'hello')
    assert.equal(
      await succeeds('ps', '--format', '{{.Ports}}'),
      '9000/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 127.0.0.1:8443->443/tcp',
    )
    assert.equal(
      await succeeds('port', 'web'),
      '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n443/tcp -> 127.0.0.1:8443',
    )
    assert.equal(await succeeds('port', 'web', '80'), '0.0.0.0:8080\n[::]:8080')
    const missing = await run('port', 'web', '81/udp')
    assert.equal(missing.exitCode, 1)
    assert.match(missing.stderr, /container web: no public port '81\/udp' is published/)
    const inspected = JSON.parse(await succeeds('inspect', 'web'))[0]
    assert.deepEqual(inspected.NetworkSettings.Ports, {
      '80/tcp': [
        { HostIp: '0.0.0.0', HostPort: '8080' },
        { HostIp: '::', HostPort: '8080' },
      ],
      '443/tcp': [{ HostIp: '127.0.0.1', HostPort: '8443' }],
      '9000/udp': null,
    })
    assert.deepEqual(inspected.HostConfig.PortBindings, {
      '80/tcp': [{ HostIp: '', HostPort: '8080' }],
      '443/tcp': [{ HostIp: '127.0.0.1', HostPort: '8443' }],
    })
    await succeeds('stop', '-t', '0', 'web')
    assert.equal(await succeeds('ps', '-a', '--format', '{{.Ports}}'), '')
    assert.equal(sandboxRow('SELECT count(*) FROM port'), '0')
    await succeeds('start', 'web')
    assert.equal(get('127.0.0.1:8080'), 'hello')
  })

  test('a taken port is refused by name and leaves no container', async () => {
    await web('--name', 'first', '-p', '8080:80')
    const second = await run('run', '-d', '--name', 'second', '-p', '8080:80', 'busybox', 'true')
    assert.equal(second.exitCode, 125)
    assert.match(second.stderr, /port 0\.0\.0\.0:8080\/tcp: already in use by container/)
    const server = await startServer(9090)
    const third = await run('run', '-d', '--name', 'third', '-p', '9090:80', 'busybox', 'true')
    await server.stop()
    assert.equal(third.exitCode, 125)
    assert.match(third.stderr, /port 0\.0\.0\.0:9090\/tcp: already in use by another program/)
    assert.equal(await succeeds('ps', '-a', '--format', '{{.Names}}'), 'first')
  })

  test('-P publishes what is exposed on ports that are free; a range takes the first', async () => {
    await web('--name', 'any', '-P', '--expose', '80')
    const [, port = ''] =
      /^0\.0\.0\.0:(\d+)\n\[::\]:\1$/.exec(await succeeds('port', 'any', '80')) ?? []
    assert.equal(get(`127.0.0.1:${port}`), 'hello')
    await web('--name', 'one', '-p', '8000-8005:80')
    await web('--name', 'two', '-p', '8000-8005:80')
    assert.equal(await succeeds('port', 'two'), '80/tcp -> 0.0.0.0:8001\n80/tcp -> [::]:8001')
    await web('--name', 'pairs', '-p', '8100-8101:80-81')
    assert.equal(
      await succeeds('port', 'pairs'),
      '80/tcp -> 0.0.0.0:8100\n80/tcp -> [::]:8100\n81/tcp -> 0.0.0.0:8101\n81/tcp -> [::]:8101',
    )
  })

  test('the end of the container gives its port back, however it comes', async () => {
    await web('--rm', '--name', 'short', '-p', '8080:80')
    await succeeds('kill', 'short')
    await succeeds('wait', 'short').catch(() => '')
    await web('--name', 'killed', '-p', '8080:80')
    const pid = await succeeds('inspect', '-f', '{{.State.Pid}}', 'killed')
    const monitor = sandboxRow('SELECT monitor_pid FROM container')
    process.kill(Number(monitor), 'SIGKILL')
    process.kill(Number(pid), 'SIGKILL')
    await web('--name', 'next', '-p', '8080:80')
    assert.equal(get('127.0.0.1:8080'), 'hello')
    assert.equal(
      runInNetworkNamespace(outside.netns, () => get(`${hostAddress}:8080`)),
      'hello',
    )
  })

  test('a run that is killed, wherever it was, leaves no port, address or interface', async () => {
    const links = (): string[] => output('ip', '-br', 'link', 'show', 'type', 'veth').split('\n')
    const before = links().length
    for (const delayMs of [100, 200, 300, 400, 600, 900]) {
      const args = ['run', '-d', '--name', 'half', '-p', '8080:80', 'busybox', 'sleep', '600']
      const started = sandbox.start(args)
      await setTimeout(delayMs)
      started.child.kill('SIGKILL')
      await started.finished
      await web('--name', 'whole', '-p', '8081:80')
      await succeeds('rm', '-f', 'whole')
      const left = await succeeds('ps', '-aq', '--filter', 'name=half')
      // It may have come so far that the container runs: then it is whole.
      if (left !== '') await succeeds('rm', '-f', left)
      assert.equal(sandboxRow('SELECT count(*) FROM port'), '0', `killed after ${delayMs} ms`)
      assert.equal(sandboxRow('SELECT count(*) FROM address'), '0', `killed after ${delayMs} ms`)
      assert.equal(links().length, before, `killed after ${delayMs} ms`)
    }
  })

  test('of runs that want one port at the same time, one gets it', async () => {
    const names = ['r1', 'r2', 'r3', 'r4']
    const results = await Promise.all(
      names.map((name) =>
        run('run', '-d', '--name', name, '-p', '8080:80', 'busybox', 'sleep', '600'),
      ),
    )
    assert.equal(results.filter(({ exitCode }) => exitCode === 0).length, 1)
    for (const { exitCode, stderr } of results) {
      if (exitCode !== 0) assert.match(stderr, /8080\/tcp: already in use by container/)
    }
    assert.equal((await succeeds('ps', '-aq')).split('\n').length, 1)
  })

  const refused: readonly (readonly [string, RegExp])[] = [
    ['0:80', /0 is not a port/],
    ['99999:80', /99999 is not a port/],
    ['http:80', /"http" is not a port/],
    ['80/xyz', /"xyz" is not tcp, udp or sctp/],
    ['1.2.3:80:80', /"1\.2\.3" is not an IP address/],
    ['8000-8005:80-82', /6 ports of the host for 3/],
  ]
  for (const [value, words] of refused) {
    test(`-p ${value} is refused`, async () => {
      const { exitCode, stderr } = await run('run', '-p', value, 'busybox', 'true')
      assert.equal(exitCode, 125)
      assert.match(stderr, words)
      assert.equal(await succeeds('ps', '-aq'), '')
    })
  }
})
