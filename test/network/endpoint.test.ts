import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { endpointsOf } from '../../src/network/addresses.ts'
import { removeBridge } from '../../src/network/bridge.ts'
import { ensureDefaultNetwork } from '../../src/network/default-network.ts'
import { connectEndpoint, releaseEndpoints } from '../../src/network/endpoint.ts'
import {
  createNetworkNamespace,
  removeNetworkNamespace,
  runInNetworkNamespace,
} from '../../src/network/network-namespace.ts'
import { needsNetwork } from '../helpers/capabilities.ts'
import { deadOwner } from './dead-owner.ts'
import {
  ask,
  becomePrivateHost,
  ip,
  makeDataRoot,
  makeOutside,
  type Outside,
  output,
  outputInside,
  type PrivateDataRoot,
  plugIn,
  startServer,
  unplug,
} from './private-host.ts'
import { putInFront } from './program-in-front.ts'

describe('endpoints of containers', { skip: needsNetwork() }, () => {
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

  test('interfaces take the packet size of the way out and an address of the pool', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(root, network)
    const shown = outputInside(one.netns, 'ip', 'addr', 'show', 'eth0')
    assert.match(shown, /mtu 1450/)
    assert.match(shown, /link\/ether 02:74:0a:74:/)
    assert.ok(shown.includes(`inet ${one.address}/20`))
    assert.doesNotMatch(shown, /inet6/)
    assert.match(outputInside(one.netns, 'ip', 'addr', 'show', 'lo'), /inet 127\.0\.0\.1\/8/)
    await unplug(root, one)
  })

  test('after release nothing is left but the bridge, and again changes nothing', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const linksBefore = output('ip', '-o', 'link')
    const one = await plugIn(root, network)
    assert.notEqual(output('ip', '-o', 'link'), linksBefore)
    await unplug(root, one)
    await unplug(root, one)
    assert.equal(output('ip', '-o', 'link').includes(one.hostInterface), false)
    assert.deepEqual(endpointsOf(root.database, one.id), [])
    assert.equal(existsSync(one.netns), false)
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(one.id), false)
  })

  test('connect after a connect gives one working interface', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(root, network)
    const [endpoint] = endpointsOf(root.database, one.id)
    assert.ok(endpoint)
    await connectEndpoint(endpoint, { network, netnsPath: one.netns, hasDefaultRoute: true })
    const server = await runInNetworkNamespace(one.netns, () => startServer(8000))
    assert.equal(ask(one.address, 8000), network.gateway)
    await server.stop()
    await unplug(root, one)
  })

  test('a connect that fails leaves no interface', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(root, network)
    const [endpoint] = endpointsOf(root.database, one.id)
    assert.ok(endpoint)
    const occupied = root.netns('occupied')
    createNetworkNamespace(occupied)
    runInNetworkNamespace(occupied, () => ip(`route add unreachable default metric 0`))
    await assert.rejects(
      connectEndpoint(endpoint, { network, netnsPath: occupied, hasDefaultRoute: true }),
      {
        code: 'RUNTIME_FAILED',
      },
    )
    assert.equal(output('ip', '-o', 'link').includes(endpoint.hostInterface), false)
    removeNetworkNamespace(occupied)
    await unplug(root, one)
  })

  test('what a killed process had plugged in is unplugged by the next allocation', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const abandoned = await plugIn(root, network, deadOwner())
    assert.ok(output('ip', '-o', 'link').includes(abandoned.hostInterface))
    const one = await plugIn(root, network)
    assert.equal(output('ip', '-o', 'link').includes(abandoned.hostInterface), false)
    assert.deepEqual(endpointsOf(root.database, abandoned.id), [])
    await unplug(root, one)
    removeNetworkNamespace(abandoned.netns)
  })

  test('released while its namespace goes away, an endpoint is gone without an error', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    for (let round = 0; round < 10; round++) {
      const one = await plugIn(root, network)
      const released = releaseEndpoints(root.database, one.id)
      removeNetworkNamespace(one.netns)
      await released
      assert.deepEqual(endpointsOf(root.database, one.id), [])
    }
  })

  test('an interface that ends after `ip` has looked it up is gone without an error', async () => {
    // Seen with `rm -f`: then the words are the kernel's, not those of `ip` itself.
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(root, network)
    const restore = putInFront(
      'ip',
      '"$REAL" "$@"; echo "RTNETLINK answers: No such device" >&2; exit 1',
    )
    try {
      await releaseEndpoints(root.database, one.id)
    } finally {
      restore()
    }
    assert.deepEqual(endpointsOf(root.database, one.id), [])
    await unplug(root, one)
  })

  test('a namespace that another keeps alive loses its interface all the same', async () => {
    const network = await ensureDefaultNetwork(root.database, root)
    const one = await plugIn(root, network)
    const joined = await runInNetworkNamespace(one.netns, () => startServer(8000))
    await unplug(root, one)
    assert.equal(output('ip', '-o', 'link').includes(one.hostInterface), false)
    await joined.stop()
  })
})
