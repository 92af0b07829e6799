import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { selfAsOwner } from '../../src/host/owner.ts'
import { endpointsOf } from '../../src/network/addresses.ts'
import { allocateAddress } from '../../src/network/allocate-address.ts'
import { isBridgeUp, removeBridge } from '../../src/network/bridge.ts'
import { bridgeNameOf, ensureDefaultNetwork } from '../../src/network/default-network.ts'
import { connectEndpoint, releaseEndpoints } from '../../src/network/endpoint.ts'
import {
  createNetworkNamespace,
  removeNetworkNamespace,
  runInNetworkNamespace,
} from '../../src/network/network-namespace.ts'
import type { Network } from '../../src/network/networks.ts'
import { needsNetwork, needsPrograms } from '../helpers/capabilities.ts'
import { deadOwner } from './dead-owner.ts'
import {
  ask,
  becomePrivateHost,
  ip,
  makeDataRoot,
  output,
  outputInside,
  type PrivateDataRoot,
  startServer,
  withoutPrograms,
} from './private-host.ts'

const run = promisify(execFile)
const outsideAddress = '203.0.113.2'
const hostAddress = '203.0.113.1'

describe('default network', { skip: needsNetwork() }, () => {
  let root: PrivateDataRoot
  let outsideRoot: PrivateDataRoot
  /** The network namespace of a neighbour of the host. */
  let outside: string

  before(() => {
    becomePrivateHost()
    outsideRoot = makeDataRoot()
    outside = outsideRoot.netns('outside')
    createNetworkNamespace(outside)
    ip(
      `link add uplink mtu 1450 type veth peer name eth0 mtu 1450 netns "${outside}"`,
      `addr add ${hostAddress}/24 dev uplink`,
      'link set uplink up',
      `route add default via ${outsideAddress}`,
    )
    runInNetworkNamespace(outside, () =>
      ip('link set lo up', `addr add ${outsideAddress}/24 dev eth0`, 'link set eth0 up'),
    )
  })

  after(() => {
    removeNetworkNamespace(outside)
    outsideRoot.remove()
  })

  beforeEach(() => {
    root = makeDataRoot()
  })

  afterEach(async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    await removeBridge(root.database, network)
    root.remove()
  })

  interface Plugged {
    readonly id: string
    readonly netns: string
    readonly address: string
    readonly hostInterface: string
  }

  async function plugIn(network: Network, place = root, owner = selfAsOwner()): Promise<Plugged> {
    const id = randomBytes(8).toString('hex')
    const netns = place.netns(id)
    createNetworkNamespace(netns)
    const endpoint = await allocateAddress(place.database, {
      networkName: network.name,
      containerId: id,
      owner,
    })
    await connectEndpoint(endpoint, { network, netnsPath: netns })
    return { id, netns, ...endpoint }
  }

  async function unplug({ id, netns }: Plugged, place = root): Promise<void> {
    await releaseEndpoints(place.database, id)
    removeNetworkNamespace(netns)
  }

  async function assertReachesOutside(network: Network): Promise<void> {
    const one = await plugIn(network)
    const server = await runInNetworkNamespace(outside, () => startServer(8000))
    try {
      const seen = runInNetworkNamespace(one.netns, () => ask(outsideAddress, 8000))
      assert.equal(seen, hostAddress)
    } finally {
      await server.stop()
      await unplug(one)
    }
  }

  test('containers reach each other, the host and the outside, and the host reaches them', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(network)
    const two = await plugIn(network)
    const inTwo = await runInNetworkNamespace(two.netns, () => startServer(8000))
    const outsideServer = await runInNetworkNamespace(outside, () => startServer(8000))
    try {
      assert.equal(
        runInNetworkNamespace(one.netns, () => ask(two.address, 8000)),
        one.address,
      )
      assert.equal(ask(two.address, 8000), network.gateway)
      const seenOutside = runInNetworkNamespace(one.netns, () => ask(outsideAddress, 8000))
      assert.equal(seenOutside, hostAddress, 'the outside sees the host, not the container')
    } finally {
      await inTwo.stop()
      await outsideServer.stop()
      await unplug(one)
      await unplug(two)
    }
  })

  test('neighbours of the host do not reach containers', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(network)
    const server = await runInNetworkNamespace(one.netns, () => startServer(8000))
    try {
      runInNetworkNamespace(outside, () => ip(`route add ${network.subnet} via ${hostAddress}`))
      assert.throws(() => runInNetworkNamespace(outside, () => ask(one.address, 8000)), {
        status: 1,
      })
      output('nft', 'flush', 'chain', 'inet', network.bridgeName, 'forward')
      const answer = runInNetworkNamespace(outside, () => ask(one.address, 8000))
      assert.equal(answer, outsideAddress, 'only the rule was in the way')
    } finally {
      await server.stop()
      await unplug(one)
      runInNetworkNamespace(outside, () => ip(`route del ${network.subnet}`))
    }
  })

  test('interfaces take the packet size of the way out and an address of the pool', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(network)
    const shown = outputInside(one.netns, 'ip', 'addr', 'show', 'eth0')
    assert.match(shown, /mtu 1450/)
    assert.match(shown, /link\/ether 02:74:0a:74:/)
    assert.ok(shown.includes(`inet ${one.address}/20`))
    assert.doesNotMatch(shown, /inet6/)
    assert.match(outputInside(one.netns, 'ip', 'addr', 'show', 'lo'), /inet 127\.0\.0\.1\/8/)
    await unplug(one)
  })

  test('after release nothing is left but the bridge, and again changes nothing', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const linksBefore = output('ip', '-o', 'link')
    const one = await plugIn(network)
    assert.notEqual(output('ip', '-o', 'link'), linksBefore)
    await unplug(one)
    await unplug(one)
    assert.equal(output('ip', '-o', 'link').includes(one.hostInterface), false)
    assert.deepEqual(endpointsOf(root.database, one.id), [])
    assert.equal(existsSync(one.netns), false)
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(one.id), false)
  })

  test('connect after a connect gives one working interface', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(network)
    const [endpoint] = endpointsOf(root.database, one.id)
    assert.ok(endpoint)
    await connectEndpoint(endpoint, { network, netnsPath: one.netns })
    const server = await runInNetworkNamespace(one.netns, () => startServer(8000))
    assert.equal(ask(one.address, 8000), network.gateway)
    await server.stop()
    await unplug(one)
  })

  test('a connect that fails leaves no interface', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(network)
    const [endpoint] = endpointsOf(root.database, one.id)
    assert.ok(endpoint)
    const occupied = root.netns('occupied')
    createNetworkNamespace(occupied)
    runInNetworkNamespace(occupied, () => ip(`route add unreachable default metric 0`))
    await assert.rejects(connectEndpoint(endpoint, { network, netnsPath: occupied }), {
      code: 'RUNTIME_FAILED',
    })
    assert.equal(output('ip', '-o', 'link').includes(endpoint.hostInterface), false)
    removeNetworkNamespace(occupied)
    await unplug(one)
  })

  test('what a killed process had plugged in is unplugged by the next allocation', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const abandoned = await plugIn(network, root, deadOwner())
    assert.ok(output('ip', '-o', 'link').includes(abandoned.hostInterface))
    const one = await plugIn(network)
    assert.equal(output('ip', '-o', 'link').includes(abandoned.hostInterface), false)
    assert.deepEqual(endpointsOf(root.database, abandoned.id), [])
    await unplug(one)
    removeNetworkNamespace(abandoned.netns)
  })

  test('released while its namespace goes away, an endpoint is gone without an error', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    for (let round = 0; round < 10; round++) {
      const one = await plugIn(network)
      const released = releaseEndpoints(root.database, one.id)
      removeNetworkNamespace(one.netns)
      await released
      assert.deepEqual(endpointsOf(root.database, one.id), [])
    }
  })

  test('a namespace that another keeps alive loses its interface all the same', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(network)
    const joined = await runInNetworkNamespace(one.netns, () => startServer(8000))
    await unplug(one)
    assert.equal(output('ip', '-o', 'link').includes(one.hostInterface), false)
    await joined.stop()
  })

  test('with everything in place a second call starts no program', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const again = await withoutPrograms(() => ensureDefaultNetwork(root.database, root))
    assert.deepEqual(again, network)
  })

  const repairs: readonly { readonly lost: string; lose(network: Network): void }[] = [
    { lost: 'all nftables', lose: () => void output('nft', 'flush', 'ruleset') },
    {
      lost: 'one rule',
      lose: ({ bridgeName }) =>
        void output('nft', 'flush', 'chain', 'inet', bridgeName, 'postrouting'),
    },
    { lost: 'the bridge', lose: ({ bridgeName }) => ip(`link del ${bridgeName}`) },
    { lost: 'its state up', lose: ({ bridgeName }) => ip(`link set ${bridgeName} down`) },
    { lost: 'its address', lose: ({ bridgeName }) => ip(`addr flush dev ${bridgeName}`) },
    { lost: 'forwarding', lose: () => writeFileSync('/proc/sys/net/ipv4/ip_forward', '0') },
  ]
  for (const { lost, lose } of repairs) {
    test(`${lost}, lost to somebody else, comes back with the next call`, async () => {
      const network = await ensureDefaultNetwork(root.database, root)
      assert.equal(isBridgeUp(network), true)
      lose(network)
      assert.equal(isBridgeUp(network), false)
      const repaired = await ensureDefaultNetwork(root.database, root)
      assert.equal(isBridgeUp(repaired), true)
      await assertReachesOutside(repaired)
    })
  }

  test('data roots have bridges and subnets of their own', async () => {
    const other = makeDataRoot()
    const network = await ensureDefaultNetwork(root.database, root)
    const otherNetwork = await ensureDefaultNetwork(other.database, other)
    assert.notEqual(otherNetwork.bridgeName, network.bridgeName)
    assert.notEqual(otherNetwork.subnet, network.subnet)
    assert.equal(bridgeNameOf(other.dataRoot), otherNetwork.bridgeName)
    assert.ok(otherNetwork.bridgeName.length <= 15)
    const one = await plugIn(network)
    const two = await plugIn(otherNetwork, other)
    const server = await runInNetworkNamespace(one.netns, () => startServer(8000))
    try {
      assert.throws(() => runInNetworkNamespace(two.netns, () => ask(one.address, 8000)), {
        status: 1,
      })
    } finally {
      await server.stop()
      await unplug(one)
      await unplug(two, other)
      await removeBridge(other.database, otherNetwork)
      other.remove()
    }
  })

  test('processes that come first at the same time make one network a data root', async () => {
    const other = makeDataRoot()
    const program = join(import.meta.dirname, 'ensure-network.ts')
    const printed = await Promise.all(
      [root, other, root, other, root, other].map(async ({ dataRoot }) => {
        const { stdout } = await run(process.execPath, ['--no-warnings', program, dataRoot])
        return stdout.trim()
      }),
    )
    assert.deepEqual(new Set(printed.filter((_, index) => index % 2 === 0)).size, 1)
    assert.deepEqual(new Set(printed.filter((_, index) => index % 2 === 1)).size, 1)
    assert.equal(new Set(printed.map((line) => line.split(' ')[1])).size, 2)
    const network = await ensureDefaultNetwork(other.database, other)
    await removeBridge(other.database, network)
    other.remove()
  })

  test('a data root made anew takes its old bridge and subnet over', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    root.database.exec('DELETE FROM network')
    const again = await ensureDefaultNetwork(root.database, root)
    assert.notEqual(again.id, network.id)
    assert.equal(again.bridgeName, network.bridgeName)
    assert.equal(again.subnet, network.subnet)
  })

  test('a subnet that the host routes elsewhere is not taken, nor kept after a reboot', async () => {
    ip('route add 10.116.0.0/19 dev uplink')
    const network = await ensureDefaultNetwork(root.database, root)
    assert.equal(network.subnet, '10.116.32.0/20')
    ip(`link del ${network.bridgeName}`, 'route add 10.116.32.0/24 dev uplink')
    const moved = await ensureDefaultNetwork(root.database, root)
    assert.equal(moved.subnet, '10.116.48.0/20')
    const one = await plugIn(moved)
    assert.match(one.address, /^10\.116\.48\./)
    await unplug(one)
    ip('route del 10.116.0.0/19', 'route del 10.116.32.0/24')
  })

  test('removal takes the bridge and the table, and can be repeated', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    await removeBridge(root.database, network)
    await removeBridge(root.database, network)
    assert.equal(output('ip', '-o', 'link').includes(network.bridgeName), false)
    assert.equal(output('nft', 'list', 'tables').includes(network.bridgeName), false)
  })

  test('a missing program is named with its package', async () => {
    const attempt = withoutPrograms(() => ensureDefaultNetwork(root.database, root))
    await assert.rejects(attempt, {
      code: 'FAILED_PRECONDITION',
      message: 'ip: not installed',
      hint: /iproute2/,
    })
  })

  describe('beside a firewall that drops what is forwarded', () => {
    const iptables = (program: string, ...args: string[]): string => output(program, ...args)

    for (const program of ['iptables-nft', 'iptables-legacy']) {
      const skip = needsPrograms(program)
      const tearDown = (): void => {
        iptables(program, '-P', 'FORWARD', 'ACCEPT')
        iptables(program, '-F')
        iptables(program, '-X')
      }

      test(`${program}, set before and after the bridge was made`, { skip }, async () => {
        try {
          iptables(program, '-P', 'FORWARD', 'DROP')
          await assertReachesOutside(await ensureDefaultNetwork(root.database, root))
          iptables(program, '-F')
          const again = await ensureDefaultNetwork(root.database, root)
          await assertReachesOutside(again)
          const rules = iptables(program, '-S')
          await ensureDefaultNetwork(root.database, root)
          assert.equal(iptables(program, '-S'), rules, 'no rule is added twice')
          await removeBridge(root.database, again)
          assert.doesNotMatch(iptables(program, '-S'), /tsctr/)
        } finally {
          tearDown()
        }
      })

      test(`${program} with docker's chain for others`, { skip }, async () => {
        try {
          iptables(program, '-P', 'FORWARD', 'DROP')
          iptables(program, '-N', 'DOCKER-USER')
          iptables(program, '-A', 'DOCKER-USER', '-j', 'RETURN')
          iptables(program, '-A', 'FORWARD', '-j', 'DOCKER-USER')
          const network = await ensureDefaultNetwork(root.database, root)
          await assertReachesOutside(network)
          assert.match(iptables(program, '-S'), /-A DOCKER-USER -i tsctr/)
          assert.doesNotMatch(iptables(program, '-S'), /-A FORWARD -i tsctr/)
        } finally {
          tearDown()
        }
      })
    }

    test('a table of nftables itself', async () => {
      output('nft', 'add table inet wall')
      output(
        'nft',
        'add chain inet wall passing { type filter hook forward priority 10; policy drop; }',
      )
      try {
        const network = await ensureDefaultNetwork(root.database, root)
        await assertReachesOutside(network)
        await removeBridge(root.database, network)
        assert.doesNotMatch(output('nft', 'list', 'table', 'inet', 'wall'), /tsctr/)
      } finally {
        output('nft', 'delete table inet wall')
      }
    })
  })
})
