import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { isBridgeUp, removeBridge } from '../../src/network/bridge.ts'
import { bridgeNameOf, ensureDefaultNetwork } from '../../src/network/default-network.ts'
import { runInNetworkNamespace } from '../../src/network/network-namespace.ts'
import type { Network } from '../../src/network/networks.ts'
import { needsNetwork } from '../helpers/capabilities.ts'
import {
  ask,
  assertReachesOutside,
  becomePrivateHost,
  hostAddress,
  ip,
  makeDataRoot,
  makeOutside,
  type Outside,
  output,
  outsideAddress,
  type PrivateDataRoot,
  plugIn,
  startServer,
  unplug,
  withoutPrograms,
} from './private-host.ts'

const run = promisify(execFile)

describe('default network', { skip: needsNetwork() }, () => {
  let root: PrivateDataRoot
  let outside: Outside

  before(() => {
    becomePrivateHost()
    outside = makeOutside()
  })

  beforeEach(() => {
    root = makeDataRoot()
  })

  afterEach(async () => {
    await removeBridge(root.database, await ensureDefaultNetwork(root.database, root))
    root.remove()
  })

  after(() => outside.remove())

  test('containers reach each other, the host and the outside, and the host reaches them', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(root, network)
    const two = await plugIn(root, network)
    const inTwo = await runInNetworkNamespace(two.netns, () => startServer(8000))
    const outsideServer = await runInNetworkNamespace(outside.netns, () => startServer(8000))
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
      await unplug(root, one)
      await unplug(root, two)
    }
  })

  test('neighbours of the host do not reach containers', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(root, network)
    const server = await runInNetworkNamespace(one.netns, () => startServer(8000))
    try {
      runInNetworkNamespace(outside.netns, () =>
        ip(`route add ${network.subnet} via ${hostAddress}`),
      )
      assert.throws(() => runInNetworkNamespace(outside.netns, () => ask(one.address, 8000)), {
        status: 1,
      })
      output('nft', 'flush', 'chain', 'inet', network.bridgeName, 'forward')
      const answer = runInNetworkNamespace(outside.netns, () => ask(one.address, 8000))
      assert.equal(answer, outsideAddress, 'only the rule was in the way')
    } finally {
      await server.stop()
      await unplug(root, one)
      runInNetworkNamespace(outside.netns, () => ip(`route del ${network.subnet}`))
    }
  })

  test('with everything in place a second call starts no program', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const again = await withoutPrograms(() => ensureDefaultNetwork(root.database, root))
    assert.deepEqual(again, network)
  })

  // What somebody else changed had the whole table made anew, which takes ten times as long.
  test('rules that still stand after a change elsewhere are left as they are', async () => {
    const { bridgeName } = await ensureDefaultNetwork(root.database, root)
    const table = ['--json', '--terse', 'list', 'table', 'inet', bridgeName]
    const before = output('nft', ...table)
    output('nft', 'add table inet tsctr-test-other; delete table inet tsctr-test-other')
    const network = await ensureDefaultNetwork(root.database, root)
    assert.equal(output('nft', ...table), before, 'handles and all')
    assert.equal(isBridgeUp(network), true)
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
    {
      lost: 'one rule, for another in its place',
      lose: ({ bridgeName }) =>
        void output(
          'nft',
          `flush chain inet ${bridgeName} raw; add rule inet ${bridgeName} raw accept`,
        ),
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
      const rules = (): string => output('nft', 'list', 'table', 'inet', network.bridgeName)
      const made = rules()
      lose(network)
      assert.equal(isBridgeUp(network), false)
      const repaired = await ensureDefaultNetwork(root.database, root)
      assert.equal(isBridgeUp(repaired), true)
      assert.equal(rules(), made)
      await assertReachesOutside(root, outside, repaired)
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
    const one = await plugIn(root, network)
    const two = await plugIn(other, otherNetwork)
    const server = await runInNetworkNamespace(one.netns, () => startServer(8000))
    try {
      assert.throws(() => runInNetworkNamespace(two.netns, () => ask(one.address, 8000)), {
        status: 1,
      })
    } finally {
      await server.stop()
      await unplug(root, one)
      await unplug(other, two)
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
    const one = await plugIn(root, moved)
    assert.match(one.address, /^10\.116\.48\./)
    await unplug(root, one)
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
})
