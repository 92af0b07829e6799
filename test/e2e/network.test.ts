import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { interfacesNamed } from '../../src/network/bridge.ts'
import { userBridgePrefix } from '../../src/network/default-network.ts'
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
  ip,
  makeOutside,
  type Outside,
  output,
  outputInside,
} from '../network/private-host.ts'

const skip = needsContainers() || needsNetwork() || needsRegistry() || needsPrograms('curl')

describe('networks', { skip }, () => {
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
    await succeeds('pull', '-q', 'redis:alpine')
  })

  afterEach(async () => {
    const ids = (await succeeds('ps', '-aq')).split('\n').filter(Boolean)
    if (ids.length > 0) await succeeds('rm', '-f', ...ids)
    await succeeds('network', 'prune', '-f')
    assert.deepEqual(interfacesNamed(userBridgePrefix(sandbox.dataRoot)), [])
    assert.doesNotMatch(output('nft', 'list', 'tables'), /tn-/)
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

  async function fails(words: RegExp, ...args: string[]): Promise<void> {
    const { stderr, exitCode } = await run(...args)
    assert.notEqual(exitCode, 0, `tsctr ${args.join(' ')}`)
    assert.match(stderr, words)
    assert.doesNotMatch(stderr, /^ {4}at /m)
  }

  const sleeper = (...flags: string[]): Promise<string> =>
    succeeds('run', '-d', '--stop-signal', 'KILL', ...flags, 'busybox', 'sleep', '600')
  const script = 'echo hello > /index.html; exec httpd -f -p 80 -h /'
  const web = (...flags: string[]): Promise<string> =>
    succeeds('run', '-d', ...flags, 'busybox', 'sh', '-c', script)
  // The static busybox of Debian ends with SIGSEGV in `wget`.
  const reaches = async (from: string, host: string): Promise<boolean> => {
    const request = `printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc -w 2 ${host} 80`
    return (await run('exec', from, 'sh', '-c', request)).stdout.endsWith('hello\n')
  }

  test('create, ls, inspect and rm, as docker prints them', async () => {
    const id = await succeeds(
      'network',
      'create',
      '--subnet',
      '10.77.0.0/24',
      '--label',
      'a=b',
      'mine',
    )
    assert.match(id, /^[0-9a-f]{64}$/)
    const listed = await succeeds('network', 'ls')
    assert.match(listed, /^NETWORK ID +NAME +DRIVER +SCOPE\n/)
    assert.deepEqual(
      listed.split('\n').map((line) => line.split(/ +/)[1]),
      ['ID', 'bridge', 'host', 'mine', 'none'],
    )
    assert.equal(await succeeds('network', 'ls', '-q', '--filter', 'type=custom'), id.slice(0, 12))
    await sleeper(
      '--name',
      'one',
      '--network',
      'mine',
      '--ip',
      '10.77.0.9',
      '--mac-address',
      '02:42:00:00:00:09',
    )
    const [inspected] = JSON.parse(await succeeds('network', 'inspect', 'mine'))
    assert.deepEqual(inspected.IPAM.Config, [{ Subnet: '10.77.0.0/24', Gateway: '10.77.0.1' }])
    const bridgeName = '{{index .Options "com.docker.network.bridge.name"}}'
    const bridge = await succeeds('network', 'inspect', '-f', bridgeName, 'bridge')
    assert.match(bridge, /^tsctr-[0-9a-f]{8}$/)
    const [[containerId = '', container] = []] = Object.entries(inspected.Containers)
    assert.equal(containerId, await succeeds('inspect', '-f', '{{.Id}}', 'one'))
    const { Name, IPv4Address, MacAddress } = container as Record<string, string>
    assert.deepEqual([Name, IPv4Address, MacAddress], ['one', '10.77.0.9/24', '02:42:00:00:00:09'])
    assert.match(
      await succeeds('exec', 'one', 'ip', 'addr', 'show', 'eth0'),
      /02:42:00:00:00:09[\s\S]*10\.77\.0\.9\/24/,
    )
    await fails(/network mine: in use by container one/, 'network', 'rm', 'mine')
    await succeeds('rm', '-f', 'one')
    assert.equal(await succeeds('network', 'rm', id.slice(0, 12)), id.slice(0, 12))
    await fails(/network mine: no such network/, 'network', 'rm', 'mine')
    assert.deepEqual(interfacesNamed(userBridgePrefix(sandbox.dataRoot)), [])
  })

  test('containers of one network find each other by name, alias and short id; others do not reach them', async () => {
    await succeeds('network', 'create', 'front')
    await succeeds('network', 'create', 'back')
    await sleeper('--name', 'client', '--network', 'front')
    const id = await web('--name', 'web', '--network', 'front', '--network-alias', 'www')
    for (const name of ['web', 'www', id.slice(0, 12), 'web.front']) {
      assert.ok(await reaches('client', name), name)
    }
    await sleeper('--name', 'stranger', '--network', 'back')
    const address = await succeeds(
      'inspect',
      '-f',
      '{{.NetworkSettings.Networks.front.IPAddress}}',
      'web',
    )
    assert.equal(await reaches('stranger', address), false)
    assert.doesNotMatch(await succeeds('exec', 'stranger', 'cat', '/etc/hosts'), /web/)
    await succeeds('rename', 'web', 'site')
    assert.ok(await reaches('client', 'site'))
    await succeeds('exec', 'client', 'sh', '-c', 'echo 192.0.2.1 mine >> /etc/hosts')
    await succeeds('rm', '-f', 'site')
    const hosts = await succeeds('exec', 'client', 'cat', '/etc/hosts')
    assert.doesNotMatch(hosts, /site|www/)
    assert.match(hosts, /192\.0\.2\.1 mine/)
  })

  test('a database is found by its name, on the default network too', async () => {
    await succeeds('run', '-d', '--name', 'redis', 'redis:alpine')
    assert.match(
      await succeeds('run', '--rm', 'busybox', 'cat', '/etc/hosts'),
      /^10\.116\.\d+\.\d+\tredis [0-9a-f]{12} redis\.bridge$/m,
    )
    assert.match(
      await succeeds('run', '--rm', 'busybox', 'ping', '-c', '1', '-W', '1', 'redis'),
      /1 packets received/,
    )
  })

  test('connect and disconnect, of one that runs and of one that does not', async () => {
    await succeeds('network', 'create', 'front')
    await succeeds('network', 'create', '--subnet', '10.78.0.0/24', 'back')
    await web('--name', 'web', '--network', 'front', '-p', '8080:80')
    await sleeper('--name', 'db', '--network', 'back')
    assert.equal(await reaches('db', 'web'), false)
    await succeeds('network', 'connect', '--alias', 'site', '--ip', '10.78.0.7', 'back', 'web')
    assert.ok(await reaches('db', 'web'))
    assert.ok(await reaches('db', 'site'))
    await fails(/is in network back already/, 'network', 'connect', 'back', 'web')
    const port = (): string =>
      outputInside(
        outside.netns,
        'curl',
        '-sS',
        '--max-time',
        '3',
        `http://${hostAddress}:8080/index.html`,
      )
    assert.equal(port(), 'hello\n')
    await succeeds('network', 'disconnect', 'front', 'web')
    assert.equal(port(), 'hello\n')
    assert.ok(await reaches('db', 'site'))
    assert.match(await succeeds('exec', 'web', 'ip', 'route'), /^default via 10\.78\.0\.1/m)
    await succeeds('stop', '-t', '0', 'web')
    await succeeds('network', 'connect', 'front', 'web')
    await succeeds('start', 'web')
    assert.equal(
      await succeeds('ps', '--filter', 'name=web', '--format', '{{.Networks}}'),
      'back,front',
    )
    assert.match(await succeeds('exec', 'web', 'ip', 'addr'), /10\.78\.0\.7\/24 [\s\S]*eth1/)
    await succeeds('network', 'disconnect', 'back', 'web')
    await fails(/is not in network back/, 'network', 'disconnect', 'back', 'web')
    assert.equal(await reaches('db', 'web'), false)
  })

  test('a network with isolate=false is reached from others, and others not from it', async () => {
    await succeeds('network', 'create', '--opt', 'isolate=false', 'open')
    await succeeds('network', 'create', '--opt', 'isolate=strict', 'shut')
    await web('--name', 'open-web', '--network', 'open')
    await web('--name', 'shut-web', '--network', 'shut')
    await sleeper('--name', 'other')
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
    const addressOf = (name: string): Promise<string> => succeeds('inspect', '-f', format, name)
    const open = await addressOf('open-web')
    const shut = await addressOf('shut-web')
    assert.equal(await reaches('other', open), true)
    assert.equal(await reaches('shut-web', open), true)
    assert.equal(await reaches('other', shut), false)
    assert.equal(await reaches('open-web', shut), false)
    const bad = ['network', 'create', '--opt', 'isolate=maybe', 'bad']
    await fails(/"isolate=maybe": must be one of true, false, strict/, ...bad)
  })

  test('an internal network has no way out or in, one without icc none inside', async () => {
    await succeeds('network', 'create', '--internal', 'closed')
    await web('--name', 'web', '--network', 'closed')
    await sleeper('--name', 'client', '--network', 'closed')
    assert.ok(await reaches('client', 'web'))
    assert.doesNotMatch(await succeeds('exec', 'client', 'ip', 'route'), /default/)
    await succeeds('network', 'create', '--opt', 'icc=false', '--opt', 'mtu=1280', 'lonely')
    await web('--name', 'web2', '--network', 'lonely')
    await sleeper('--name', 'client2', '--network', 'lonely')
    assert.equal(await reaches('client2', 'web2'), false)
    assert.match(await succeeds('exec', 'client2', 'ip', 'addr', 'show', 'eth0'), /mtu 1280/)
  })

  test('several networks on one container', async () => {
    await succeeds('network', 'create', '--internal', 'inner')
    await succeeds('network', 'create', 'outer')
    await web(
      '--name',
      'web',
      '--network',
      'inner',
      '--network',
      'name=outer,alias=shop',
      '-p',
      '8080:80',
    )
    await sleeper('--name', 'aa', '--network', 'inner')
    await sleeper('--name', 'bb', '--network', 'outer')
    assert.ok(await reaches('aa', 'web'))
    assert.ok(await reaches('bb', 'shop'))
    assert.equal(
      output('curl', '-sS', '--max-time', '3', 'http://127.0.0.1:8080/index.html'),
      'hello\n',
    )
  })

  test('ports of a container that runs can be changed', async () => {
    await web('--name', 'web', '-p', '8080:80')
    const get = (port: number): string =>
      output('curl', '-sS', '--max-time', '3', `http://127.0.0.1:${port}/index.html`)
    assert.equal(get(8080), 'hello\n')
    await succeeds('update', '--publish-add', '8081:80', '--publish-rm', '8080:80', 'web')
    assert.equal(get(8081), 'hello\n')
    assert.throws(() => get(8080))
    await succeeds('restart', '-t', '0', 'web')
    assert.equal(await succeeds('port', 'web'), '80/tcp -> 0.0.0.0:8081\n80/tcp -> [::]:8081')
    await sleeper('--name', 'other', '-p', '9000:80')
    await fails(
      /port 0\.0\.0\.0:9000\/tcp: already in use by container/,
      ...['update', '--publish-rm', '8081:80', '--publish-add', '9000:80', 'web'],
    )
    assert.equal(get(8081), 'hello\n')
    await fails(
      /port 81\/tcp: not published so by container web/,
      'update',
      '--publish-rm',
      '81',
      'web',
    )
  })

  test('a bridge whose removal was interrupted goes with the next command', async () => {
    const name = `${userBridgePrefix(sandbox.dataRoot)}deadbeef`
    ip(`link add ${name} type bridge`)
    await succeeds('network', 'create', 'fresh')
    assert.equal(interfacesNamed(name).length, 0)
  })

  test('bad input is refused by name, and nothing is made', async () => {
    await succeeds('network', 'create', '--subnet', '10.79.0.0/24', 'there')
    ip('route add 10.99.0.0/16 dev uplink')
    const refused: readonly (readonly [RegExp, ...string[]])[] = [
      [/"10\.1\.2\/24": not a subnet/, '--subnet', '10.1.2/24', 'x1'],
      [
        /subnet 10\.79\.0\.0\/16: overlaps with 10\.79\.0\.0\/24 of network there/,
        '--subnet',
        '10.79.0.0/16',
        'x1',
      ],
      [
        /overlaps with 10\.99\.0\.0\/16 of the host’s route through uplink/,
        '--subnet',
        '10.99.1.0/24',
        'x1',
      ],
      [/subnet 10\.1\.2\.0\/31: has no room/, '--subnet', '10.1.2.0/31', 'x1'],
      [
        /gateway 10\.1\.3\.1: not an address of 10\.1\.2\.0\/24/,
        '--subnet',
        '10.1.2.0/24',
        '--gateway',
        '10.1.3.1',
        'x1',
      ],
      [
        /ip-range 10\.1\.3\.0\/25: not inside/,
        '--subnet',
        '10.1.2.0/24',
        '--ip-range',
        '10.1.3.0/25',
        'x1',
      ],
      [/not a network name/, 'a/b'],
      [/not a network name/, '--', '-x'],
      [/"mtu=12": must be 68/, '--opt', 'mtu=12', 'x1'],
      [/"colour=red": no such option/, '--opt', 'colour=red', 'x1'],
      [/network host: is predefined/, 'host'],
      [/network there: exists already/, 'there'],
    ]
    for (const [words, ...args] of refused) await fails(words, 'network', 'create', ...args)
    assert.equal(
      await succeeds('network', 'ls', '--filter', 'type=custom', '--format', '{{.Name}}'),
      'there',
    )
    const runs: readonly (readonly [RegExp, ...string[]])[] = [
      [/network nowhere: no such network/, '--network', 'nowhere'],
      [
        /address 10\.80\.0\.2: not one of 10\.79\.0\.0\/24/,
        '--network',
        'there',
        '--ip',
        '10.80.0.2',
      ],
      [/not a hardware address/, '--mac-address', '01:00:00:00:00:00'],
      [/cannot be given with another --network/, '--network', 'host', '--network', 'there'],
      [/network there: is named twice/, '--network', 'there', '--network', 'there'],
    ]
    for (const [words, ...args] of runs) await fails(words, 'run', ...args, 'busybox', 'true')
    assert.equal(await succeeds('ps', '-aq'), '')
    await sleeper('--network', 'there', '--ip', '10.79.0.5')
    await fails(
      /address 10\.79\.0\.5: already in use/,
      'run',
      '--network',
      'there',
      '--ip',
      '10.79.0.5',
      'busybox',
      'true',
    )
    ip('route del 10.99.0.0/16')
    assert.ok(readFileSync(join(sandbox.dataRoot, 'meta.db')).length > 0)
  })
})
