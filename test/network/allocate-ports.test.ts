import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, before, beforeEach, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { selfAsOwner } from '../../src/host/owner.ts'
import { type Endpoint, endpointsOf } from '../../src/network/addresses.ts'
import { allocateAddress } from '../../src/network/allocate-address.ts'
import { allocatePorts, type PortRequest } from '../../src/network/allocate-ports.ts'
import { removeBridge } from '../../src/network/bridge.ts'
import { ensureDefaultNetwork } from '../../src/network/default-network.ts'
import type { Network } from '../../src/network/networks.ts'
import { portsOf } from '../../src/network/ports.ts'
import { releasePorts } from '../../src/network/publish.ts'
import { needsNetwork } from '../helpers/capabilities.ts'
import { deadOwner } from './dead-owner.ts'
import { becomePrivateHost, makeDataRoot, type PrivateDataRoot } from './private-host.ts'

const run = promisify(execFile)

describe('ports of the host', { skip: needsNetwork() }, () => {
  let root: PrivateDataRoot
  let network: Network

  before(() => becomePrivateHost())

  beforeEach(async () => {
    root = makeDataRoot()
    network = await ensureDefaultNetwork(root.database, root)
  })

  afterEach(async () => {
    await removeBridge(root.database, await ensureDefaultNetwork(root.database, root))
    root.remove()
  })

  async function endpointOf(containerId: string): Promise<Endpoint> {
    const [known] = endpointsOf(root.database, containerId)
    const request = { networkName: 'bridge', containerId, owner: selfAsOwner() }
    return known ?? (await allocateAddress(root.database, request))
  }

  async function allocate(containerId: string, ...requests: PortRequest[]): Promise<string[]> {
    const endpoint = await endpointOf(containerId)
    const ports = await allocatePorts(root.database, requests, {
      endpoint,
      network,
      owner: selfAsOwner(),
    })
    return ports.map(({ hostAddress, hostPort }) => `${hostAddress}:${hostPort}`)
  }

  const tcp = (first: number, last = first, hostAddress?: string): PortRequest => ({
    protocol: 'tcp',
    hostAddress,
    hostPorts: { first, last },
    containerPort: 80,
  })

  test('a port is one container’s, by protocol and address of the host', async () => {
    assert.deepEqual(await allocate('a', tcp(8080, 8080, '127.0.0.1')), ['127.0.0.1:8080'])
    await assert.rejects(allocate('b', tcp(8080)), {
      code: 'FAILED_PRECONDITION',
      message: 'port 0.0.0.0:8080/tcp: already in use by container a',
    })
    await assert.rejects(allocate('b', tcp(8080, 8080, '127.0.0.1')), {
      code: 'FAILED_PRECONDITION',
    })
    await allocate('b', { ...tcp(8080), protocol: 'udp' })
    await releasePorts(root.database, portsOf(root.database, 'a'))
    await allocate('b', tcp(8080))
  })

  test('of several all or none are taken', async () => {
    await allocate('a', tcp(8081))
    await assert.rejects(allocate('b', tcp(8080), tcp(8081)), { code: 'FAILED_PRECONDITION' })
    assert.deepEqual(portsOf(root.database, 'b'), [])
  })

  test('of a range the first that is free, of none given any', async () => {
    await allocate('a', tcp(8000))
    assert.deepEqual(await allocate('b', tcp(8000, 8002)), ['0.0.0.0:8001', ':::8001'])
    assert.deepEqual(await allocate('c', tcp(8000, 8002)), ['0.0.0.0:8002', ':::8002'])
    await assert.rejects(
      allocate('d', tcp(8000, 8002)),
      /port 0\.0\.0\.0:8002\/tcp: already in use/,
    )
    const [any = ''] = await allocate('e', { protocol: 'udp', containerPort: 53 })
    assert.ok(Number(any.split(':')[1]) >= 1024, any)
  })

  test('a port that a program listens on is taken, and free when it has gone', async () => {
    const server = await listen(8080)
    await assert.rejects(allocate('a', tcp(8080)), {
      code: 'FAILED_PRECONDITION',
      message: 'port 0.0.0.0:8080/tcp: already in use by another program',
    })
    await new Promise((resolve) => server.close(resolve))
    await allocate('a', tcp(8080))
  })

  test('IPv4 and IPv6 are apart, and a port of both is free on both', async () => {
    assert.deepEqual(await allocate('a', tcp(8080, 8080, '::1')), ['::1:8080'])
    await assert.rejects(allocate('b', tcp(8080)), {
      message: 'port [::]:8080/tcp: already in use by container a',
    })
    assert.deepEqual(await allocate('b', tcp(8080, 8080, '0.0.0.0')), ['0.0.0.0:8080'])
    await assert.rejects(allocate('c', tcp(8080, 8080, '::')), { code: 'FAILED_PRECONDITION' })
    assert.deepEqual(await allocate('c', tcp(8080, 8081)), ['0.0.0.0:8081', ':::8081'])
    await assert.rejects(allocate('d', tcp(80, 80, '2001:db8::1')), {
      message: 'port [2001:db8::1]:80: not an address of this host',
    })
  })

  test('an address that the host has not is refused', async () => {
    await assert.rejects(allocate('a', tcp(8080, 8080, '192.0.2.1')), {
      code: 'FAILED_PRECONDITION',
      message: 'port 192.0.2.1:8080: not an address of this host',
    })
  })

  test('a port of a container that is dead is taken over', async () => {
    const endpoint = await endpointOf('dead')
    await allocatePorts(root.database, [tcp(8080)], { endpoint, network, owner: deadOwner() })
    await allocate('b', tcp(8080))
    assert.deepEqual(portsOf(root.database, 'dead'), [])
  })

  test('of processes that want the same port at once, one gets it', async () => {
    const program = join(import.meta.dirname, 'allocate-port.ts')
    const results = await Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((id) =>
        run(process.execPath, ['--no-warnings', program, root.dataRoot, id, '8080']),
      ),
    )
    const winners = results.filter(({ status }) => status === 'fulfilled')
    assert.equal(winners.length, 1)
    const rows = root.database.prepare('SELECT container_id FROM port').all()
    assert.equal(rows.length, 2, 'one for IPv4, one for IPv6')
  })
})

function listen(port: number): Promise<Server> {
  const server = createServer()
  return new Promise((resolve) => server.listen(port, '0.0.0.0', () => resolve(server)))
}
