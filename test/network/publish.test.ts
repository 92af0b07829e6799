import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { selfAsOwner } from '../../src/host/owner.ts'
import { endpointsOf } from '../../src/network/addresses.ts'
import { allocatePorts, type PortRequest } from '../../src/network/allocate-ports.ts'
import { isBridgeUp, removeBridge } from '../../src/network/bridge.ts'
import { ensureDefaultNetwork } from '../../src/network/default-network.ts'
import { firewallState, nftGeneration } from '../../src/network/firewall-state.ts'
import { runInNetworkNamespace } from '../../src/network/network-namespace.ts'
import type { Network } from '../../src/network/networks.ts'
import { portsOf } from '../../src/network/ports.ts'
import { publishPorts, releasePorts } from '../../src/network/publish.ts'
import { needsNetwork, needsPrograms } from '../helpers/capabilities.ts'
import {
  ask,
  becomePrivateHost,
  hostAddress,
  ip,
  makeDataRoot,
  makeOutside,
  type Outside,
  output,
  outsideAddress,
  type Plugged,
  type PrivateDataRoot,
  plugIn,
  startServer,
  unplug,
} from './private-host.ts'

describe('published ports', { skip: needsNetwork() }, () => {
  let root: PrivateDataRoot
  let outside: Outside
  let network: Network
  let web: Plugged
  let server: Awaited<ReturnType<typeof startServer>>

  before(() => {
    becomePrivateHost()
    outside = makeOutside()
  })

  beforeEach(async () => {
    root = makeDataRoot()
    network = await ensureDefaultNetwork(root.database, root)
    web = await plugIn(root, network)
    server = await runInNetworkNamespace(web.netns, () => startServer(80))
  })

  afterEach(async () => {
    await server.stop()
    await releasePorts(root.database, portsOf(root.database, web.id))
    await unplug(root, web)
    await removeBridge(root.database, await ensureDefaultNetwork(root.database, root))
    root.remove()
  })

  after(() => outside.remove())

  async function publish(hostAddress?: string): Promise<void> {
    const [endpoint] = endpointsOf(root.database, web.id)
    assert.ok(endpoint)
    const hostPorts = { first: 8080, last: 8080 }
    const request: PortRequest = { protocol: 'tcp', hostAddress, hostPorts, containerPort: 80 }
    const owner = selfAsOwner()
    const ports = await allocatePorts(root.database, [request], { endpoint, network, owner })
    await publishPorts(root.database, ports)
  }

  const askFromOutside = (address = hostAddress): string =>
    runInNetworkNamespace(outside.netns, () => ask(address, 8080))

  test('are reached from outside under the client’s address, and from the host by all of its own', async () => {
    await publish()
    assert.equal(askFromOutside(), outsideAddress)
    assert.equal(ask(hostAddress, 8080), hostAddress)
    assert.equal(ask('127.0.0.1', 8080), network.gateway)
    assert.equal(ask(network.gateway, 8080), network.gateway)
  })

  test('are reached from containers, the one itself too', async () => {
    await publish()
    const other = await plugIn(root, network)
    for (const netns of [web.netns, other.netns]) {
      for (const address of [hostAddress, network.gateway]) {
        const seen = runInNetworkNamespace(netns, () => ask(address, 8080))
        assert.equal(seen, network.gateway)
      }
    }
    await unplug(root, other)
  })

  test('of one address are there only', async () => {
    await publish('127.0.0.1')
    assert.equal(ask('127.0.0.1', 8080), network.gateway)
    assert.throws(() => ask(hostAddress, 8080), { status: 1 })
    assert.throws(() => askFromOutside(), { status: 1 })
  })

  test('the host’s loopback stays out of reach for neighbours and containers', async () => {
    await publish('127.0.0.1')
    const local = await startServer(9090)
    try {
      runInNetworkNamespace(web.netns, () => {
        ip(`route add 127.0.0.2/32 via ${network.gateway}`)
        output('sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=1')
      })
      assert.equal(ask('127.0.0.2', 9090), '127.0.0.1')
      assert.throws(() => runInNetworkNamespace(web.netns, () => ask('127.0.0.2', 9090)), {
        status: 1,
      })
    } finally {
      await local.stop()
    }
  })

  test('are out of reach once released, and release can be repeated', async () => {
    await publish()
    const ports = portsOf(root.database, web.id)
    await releasePorts(root.database, ports)
    await releasePorts(root.database, ports)
    assert.throws(() => askFromOutside(), { status: 1 })
    assert.doesNotMatch(output('nft', 'list', 'ruleset'), /8080/)
    await publish()
    assert.equal(askFromOutside(), outsideAddress)
  })

  test('publishing again, or after the rules were lost, changes nothing', async () => {
    await publish()
    await publishPorts(root.database, portsOf(root.database, web.id))
    output('nft', 'flush', 'ruleset')
    await publishPorts(root.database, portsOf(root.database, web.id))
    assert.equal(askFromOutside(), outsideAddress)
    output('nft', 'flush', 'ruleset')
    await ensureDefaultNetwork(root.database, root)
    assert.equal(askFromOutside(), outsideAddress)
    output('nft', 'flush', 'ruleset')
    await releasePorts(root.database, portsOf(root.database, web.id))
  })

  test('rules that an older tsctr has made, without the maps, are made anew', async () => {
    const { bridgeName } = network
    output('nft', `delete table inet ${bridgeName}; add table inet ${bridgeName}`)
    root.database.prepare('UPDATE network SET applied = ?').run(firewallState(nftGeneration()))
    await publish()
    assert.equal(askFromOutside(), outsideAddress)
  })

  test('a change of ports leaves the rest known to be in place', async () => {
    await publish()
    assert.equal(isBridgeUp(await ensureDefaultNetwork(root.database, root)), true)
    const known = root.database.prepare('SELECT applied FROM network').pluck().get()
    await releasePorts(root.database, portsOf(root.database, web.id))
    assert.notEqual(root.database.prepare('SELECT applied FROM network').pluck().get(), known)
    assert.equal(isBridgeUp(await ensureDefaultNetwork(root.database, root)), true)
  })

  test('pass a firewall that drops what is forwarded', {
    skip: needsPrograms('iptables-nft'),
  }, async () => {
    output('iptables-nft', '-P', 'FORWARD', 'DROP')
    try {
      await ensureDefaultNetwork(root.database, root)
      await publish()
      assert.equal(askFromOutside(), outsideAddress)
    } finally {
      output('iptables-nft', '-P', 'FORWARD', 'ACCEPT')
    }
  })
})
