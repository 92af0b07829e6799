import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { runInNetworkNamespace } from '../../src/network/network-namespace.ts'
import {
  needsContainers,
  needsInterfaces,
  needsNetwork,
  needsRegistry,
} from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'
import {
  ask,
  becomePrivateHost,
  makeOutside,
  type Outside,
  output,
  outsideAddress,
  startServer,
} from '../network/private-host.ts'

const skip = needsContainers() || needsNetwork() || needsRegistry()

describe('networks on an interface of the host', { skip }, () => {
  let sandbox: RunSandbox
  let outside: Outside

  before(async () => {
    becomePrivateHost()
    outside = makeOutside()
    sandbox = await createRunSandbox()
  })

  afterEach(async () => {
    await sandbox.removeContainers()
    await succeeds('network', 'prune', '-f')
  })

  after(async () => {
    await sandbox.close()
    outside.remove()
  })

  const succeeds = (...args: string[]): Promise<string> => sandbox.succeeds(...args)
  const fails = (words: RegExp, ...args: string[]): Promise<void> => sandbox.fails(words, ...args)

  const sleeper = (...flags: string[]): Promise<string> =>
    succeeds('run', '-d', '--stop-signal', 'KILL', ...flags, 'busybox', 'sleep', '600')
  const subnet = ['--subnet', '203.0.113.0/24', '--gateway', outsideAddress]

  for (const driver of ['macvlan', 'ipvlan'] as const) {
    test(`${driver}: neighbours see the container’s own address`, {
      skip: needsInterfaces(driver),
    }, async () => {
      await succeeds('network', 'create', '-d', driver, ...subnet, '-o', 'parent=uplink', 'lan')
      await sleeper('--name', 'one', '--network', 'lan', '--ip', '203.0.113.50')
      await sleeper('--name', 'two', '--network', 'lan')
      const netns = await succeeds('inspect', '-f', '{{.NetworkSettings.SandboxKey}}', 'one')
      const server = await runInNetworkNamespace(outside.netns, () => startServer(8000))
      const seen = runInNetworkNamespace(netns, () => ask(outsideAddress, 8000))
      await server.stop()
      assert.equal(seen, '203.0.113.50')
      assert.match(
        await succeeds('exec', 'one', 'ping', '-c', '1', '-W', '2', 'two'),
        /1 packets received/,
      )
      assert.match(
        await succeeds('exec', 'one', 'ip', 'route'),
        new RegExp(`^default via ${outsideAddress}`, 'm'),
      )
      const [network] = JSON.parse(await succeeds('network', 'inspect', 'lan'))
      assert.equal(network.Driver, driver)
      assert.deepEqual(network.Options, { parent: 'uplink' })
      assert.deepEqual(network.IPAM.Config, [{ Subnet: '203.0.113.0/24', Gateway: outsideAddress }])
      await fails(/network lan: in use by containers/, 'network', 'rm', 'lan')
      await succeeds('network', 'disconnect', 'lan', 'two')
      assert.doesNotMatch(await succeeds('exec', 'two', 'ip', 'addr'), /eth0/)
      await succeeds('network', 'connect', '--ip', '203.0.113.60', 'lan', 'two')
      assert.match(await succeeds('exec', 'two', 'ip', 'addr'), /203\.0\.113\.60\/24/)
      await succeeds('rm', '-f', 'one', 'two')
      await succeeds('network', 'rm', 'lan')
      assert.doesNotMatch(output('nft', 'list', 'tables'), /tn-/)
    })
  }

  test('bad input is refused by name', async () => {
    const refused: readonly (readonly [RegExp, ...string[]])[] = [
      [/network x1: has no parent interface/, '-d', 'macvlan', ...subnet],
      [/parent nothing: no such interface/, '-d', 'macvlan', '-o', 'parent=nothing'],
      [/"parent=a\/b": not a name of an interface/, '-d', 'macvlan', '-o', 'parent=a/b'],
      [/"macvlan_mode=l2": must be one of bridge/, '-d', 'macvlan', '-o', 'macvlan_mode=l2'],
      [/"ipvlan_mode=l3": only l2/, '-d', 'ipvlan', '-o', 'ipvlan_mode=l3'],
      [/--opt parent means nothing to driver bridge/, '-o', 'parent=uplink'],
      [/icc\S* means nothing to driver macvlan/, '-d', 'macvlan', '-o', 'icc=false'],
      [/overlay/, '-d', 'overlay'],
    ]
    for (const [words, ...args] of refused) await fails(words, 'network', 'create', ...args, 'x1')
    assert.equal(await succeeds('network', 'ls', '-q', '--filter', 'type=custom'), '')
  })
})
