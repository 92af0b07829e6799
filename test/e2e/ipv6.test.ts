import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { runInNetworkNamespace } from '../../src/network/network-namespace.ts'
import {
  needsContainers,
  needsIpv6,
  needsNetwork,
  needsPrograms,
  needsRegistry,
} from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'
import {
  ask,
  becomePrivateHost,
  ip,
  makeOutside,
  type Outside,
  output,
  outputInside,
  startServer,
} from '../network/private-host.ts'

const skip =
  needsContainers() || needsNetwork() || needsIpv6() || needsRegistry() || needsPrograms('curl')
const hostAddress6 = '2001:db8::1'
const outsideAddress6 = '2001:db8::2'
const bridgeCalls = '/proc/sys/net/bridge/bridge-nf-call-ip6tables'

describe('IPv6', { skip }, () => {
  let sandbox: RunSandbox
  let outside: Outside

  before(async () => {
    becomePrivateHost()
    outside = makeOutside()
    ip(`addr add ${hostAddress6}/64 dev uplink nodad`)
    runInNetworkNamespace(outside.netns, () => ip(`addr add ${outsideAddress6}/64 dev eth0 nodad`))
    // Where it is on, answers to ::1 are lost before the kernel would route them.
    if (existsSync(bridgeCalls)) writeFileSync(bridgeCalls, '0')
    sandbox = await createRunSandbox()
  })

  afterEach(async () => {
    await sandbox.removeContainers()
    await succeeds('network', 'prune', '-f')
    assert.doesNotMatch(output('nft', 'list', 'tables'), /tn-/)
  })

  after(async () => {
    await sandbox.close()
    outside.remove()
  })

  const succeeds = (...args: string[]): Promise<string> => sandbox.succeeds(...args)
  const fails = (words: RegExp, ...args: string[]): Promise<void> => sandbox.fails(words, ...args)

  const script = 'echo hello > /index.html; exec httpd -f -p 80 -h /'
  const web = (...flags: string[]): Promise<string> =>
    succeeds('run', '-d', ...flags, 'busybox', 'sh', '-c', script)
  const curl = [
    ...['-sS', '--max-time', '3', '--retry', '5', '--retry-connrefused', '--retry-delay', '1'],
  ]
  const get = (address: string): string =>
    output('curl', ...curl, `http://${address}/index.html`).trim()
  const getFromOutside = (address: string): string =>
    outputInside(outside.netns, 'curl', ...curl, `http://${address}/index.html`).trim()

  test('a network of both gives addresses of both, a way out and names', async () => {
    await succeeds(
      ...['network', 'create', '--ipv6', '--subnet', 'fd00:77::/64', '--gateway', 'fd00:77::fe'],
      ...['--subnet', '10.77.0.0/24', '--aux-address', 'other=fd00:77::1', 'dual'],
    )
    const [network] = JSON.parse(await succeeds('network', 'inspect', 'dual'))
    assert.equal(network.EnableIPv6, true)
    assert.deepEqual(network.IPAM.Config, [
      { Subnet: '10.77.0.0/24', Gateway: '10.77.0.1' },
      {
        Subnet: 'fd00:77::/64',
        Gateway: 'fd00:77::fe',
        AuxiliaryAddresses: { other: 'fd00:77::1' },
      },
    ])
    await web('--name', 'web', '--network', 'dual', '-p', '8080:80')
    await web('--name', 'fixed', '--network', 'dual', '--ip6', 'fd00:77:0:0::9')
    const [{ NetworkSettings: settings }] = JSON.parse(await succeeds('inspect', 'web'))
    assert.equal(settings.GlobalIPv6Address, 'fd00:77::2')
    assert.equal(settings.GlobalIPv6PrefixLen, 64)
    assert.equal(settings.IPv6Gateway, 'fd00:77::fe')
    assert.equal(settings.Networks.dual.GlobalIPv6Address, 'fd00:77::2')
    assert.deepEqual(settings.Ports['80/tcp'], [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '::', HostPort: '8080' },
    ])
    assert.equal(await succeeds('port', 'web'), '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080')
    const hosts = await succeeds('exec', 'web', 'cat', '/etc/hosts')
    assert.match(hosts, /^fd00:77::9\tfixed [0-9a-f]{12} fixed\.dual$/m)
    assert.match(hosts, /^fd00:77::2\t[0-9a-f]{12}$/m)
    assert.match(
      await succeeds('exec', 'web', 'ping', '-6', '-c', '1', '-W', '2', 'fixed'),
      /1 packets received/,
    )
    await fails(
      /address fd00:77::9: already in use in network dual/,
      ...['run', '--network', 'dual', '--ip6', 'fd00:77::9', 'busybox', 'true'],
    )
    assert.equal(getFromOutside(`[${hostAddress6}]:8080`), 'hello')
    assert.equal(get(`[${hostAddress6}]:8080`), 'hello')
    assert.equal(get('[::1]:8080'), 'hello')
    assert.equal(get('127.0.0.1:8080'), 'hello')
    const server = await runInNetworkNamespace(outside.netns, () => startServer(8000, '::'))
    const netns = await succeeds('inspect', '-f', '{{.NetworkSettings.SandboxKey}}', 'web')
    const seen = runInNetworkNamespace(netns, () => ask(outsideAddress6, 8000))
    await server.stop()
    assert.equal(seen, hostAddress6)
  })

  test('a network of IPv4 only is published by IPv6 too', async () => {
    await web('--name', 'web', '-p', '8080:80')
    assert.equal(get('[::1]:8080'), 'hello')
    assert.equal(get(`[${hostAddress6}]:8080`), 'hello')
    assert.equal(
      await succeeds('inspect', '-f', '{{.NetworkSettings.GlobalIPv6Address}}', 'web'),
      '',
    )
    await web('--name', 'plain')
    assert.doesNotMatch(await succeeds('exec', 'plain', 'ip', 'addr', 'show', 'eth0'), /inet6/)
    await succeeds('update', '--publish-add', '8081:80', 'plain')
    assert.equal(get('[::1]:8081'), 'hello')
    await succeeds('update', '--publish-rm', '8081:80', 'plain')
    assert.throws(() => output('curl', '-sS', '--max-time', '3', 'http://[::1]:8081/'))
    // Its route to ::1 took the place of the other's.
    await succeeds('network', 'create', '--ipv6', 'second')
    assert.equal(get('[::1]:8080'), 'hello')
  })

  test('networks are apart by IPv6 too; icc=false and --internal hold for it', async () => {
    await succeeds('network', 'create', '--subnet', 'fd00:1::/64', 'front')
    await succeeds('network', 'create', '--subnet', 'fd00:2::/64', '-o', 'icc=false', 'lonely')
    await succeeds('network', 'create', '--subnet', 'fd00:3::/64', '--internal', 'closed')
    const at = (network: string, address: string): Promise<string> =>
      web('--name', `${network}${address.at(-1)}`, '--network', network, '--ip6', address)
    await at('front', 'fd00:1::8')
    await at('lonely', 'fd00:2::8')
    await at('lonely', 'fd00:2::9')
    await at('closed', 'fd00:3::8')
    await at('closed', 'fd00:3::9')
    const reaches = async (from: string, address: string): Promise<boolean> => {
      const args = ['exec', from, 'ping', '-6', '-c', '1', '-W', '2', address]
      return (await sandbox.run(args)).stdout.includes('1 packets received')
    }
    assert.equal(await reaches('closed8', 'fd00:3::9'), true)
    assert.equal(await reaches('lonely8', 'fd00:2::9'), false)
    assert.equal(await reaches('front8', 'fd00:2::8'), false)
    assert.equal(await reaches('lonely8', 'fd00:1::8'), false)
    assert.equal(await reaches('front8', 'fd00:3::8'), false)
    assert.match(await succeeds('exec', 'front8', 'ip', '-6', 'route'), /^default via fd00:1::1/m)
    assert.doesNotMatch(await succeeds('exec', 'closed8', 'ip', '-6', 'route'), /default/)
  })

  test('a port of one IPv6 address is there only', async () => {
    await web('--name', 'web', '-p', '[::1]:8080:80', '-p', `[${hostAddress6}]:8081:80`)
    assert.equal(get('[::1]:8080'), 'hello')
    assert.equal(get(`[${hostAddress6}]:8081`), 'hello')
    const refused = (address: string): void =>
      assert.throws(() => output('curl', '-sS', '--max-time', '3', `http://${address}/`), address)
    refused(`[${hostAddress6}]:8080`)
    refused('127.0.0.1:8080')
    refused('[::1]:8081')
    assert.equal(
      await succeeds('port', 'web'),
      `80/tcp -> [${hostAddress6}]:8081\n80/tcp -> [::1]:8080`,
    )
  })

  test('--ipv6 alone takes a subnet of its own; bad input is refused', async () => {
    await succeeds('network', 'create', '--ipv6', 'one')
    const subnet = await succeeds(
      ...['network', 'inspect', '-f', '{{(index .IPAM.Config 1).Subnet}}', 'one'],
    )
    assert.match(subnet, /^fd[0-9a-f:]+::\/64$/)
    const refused: readonly (readonly [RegExp, ...string[]])[] = [
      [/overlaps with fd[0-9a-f:]+\/64 of network one/, '--subnet', subnet],
      [/overlaps with 2001:db8::\/64 of the host’s route/, '--subnet', '2001:db8::/48'],
      [/"fd00::\/129": not a subnet/, '--subnet', 'fd00::/129'],
      [/has no room for containers/, '--subnet', 'fd00::/127'],
      [/gateway fd01::1: not an address/, '--subnet', 'fd00::/64', '--gateway', 'fd01::1'],
      [/ip-range fd01::\/80: not inside/, '--subnet', 'fd00::/64', '--ip-range', 'fd01::/80'],
      [/fd00::1 without a subnet/, '--gateway', 'fd00::1'],
      [/one for IPv4 and one for IPv6/, '--subnet', 'fd00::/64', '--subnet', 'fd01::/64'],
    ]
    for (const [words, ...args] of refused) await fails(words, 'network', 'create', ...args, 'x1')
    await succeeds('network', 'create', 'four')
    await fails(
      /address fd00::2: network four carries IPv4 only/,
      ...['run', '--network', 'four', '--ip6', 'fd00::2', 'busybox', 'true'],
    )
    await fails(
      /address fd00::2: not one of fd/,
      ...['run', '--network', 'one', '--ip6', 'fd00::2', 'busybox', 'true'],
    )
    await fails(/"fe80": not an IPv6 address/, 'run', '--ip6', 'fe80', 'busybox', 'true')
    assert.equal(await succeeds('ps', '-aq'), '')
  })
})
