import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { type Database, openDatabase } from '../../src/host/database.ts'
import { selfAsOwner } from '../../src/host/owner.ts'
import {
  addressesIn,
  commitEndpoints,
  type Endpoint,
  endpointsOf,
} from '../../src/network/addresses.ts'
import { allocateAddress } from '../../src/network/allocate-address.ts'
import { releaseEndpoints } from '../../src/network/endpoint.ts'
import { insertNetwork } from '../../src/network/networks.ts'
import { networkMigrations } from '../../src/network/schema.ts'
import { deadOwner } from './dead-owner.ts'

const run = promisify(execFile)

describe('addresses of a network', () => {
  let dir: string
  let database: Database

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsctr-addresses-'))
    database = openDatabase(join(dir, 'meta.db'), networkMigrations)
    addNetwork('small', '10.9.8.0/29')
    addNetwork('large', '10.9.16.0/20')
  })

  afterEach(() => {
    database.close()
    rmSync(dir, { recursive: true, force: true })
  })

  function addNetwork(name: string, subnet: string): void {
    insertNetwork(database, {
      name,
      id: name,
      driver: 'bridge',
      bridgeName: `no-${name}`,
      subnet,
      gateway: subnet.replace(/0\/\d+$/, '1'),
      ipRange: undefined,
      subnet6: undefined,
      gateway6: undefined,
      ipRange6: undefined,
      auxAddresses: {},
      isInternal: false,
      mtu: 1500,
      options: {},
      labels: {},
      lastAddress: undefined,
      lastAddress6: undefined,
      applied: undefined,
      rulesDigest: undefined,
      createdAt: new Date(),
    })
  }

  function allocate(containerId: string, networkName = 'small', owner = selfAsOwner()) {
    return allocateAddress(database, { networkName, containerId, owner })
  }

  test('go round: neither the first, the last nor the gateway, and one given back rests', async () => {
    const taken: Endpoint[] = []
    for (const id of ['a', 'b', 'c', 'd']) taken.push(await allocate(id))
    assert.deepEqual(
      taken.map(({ address }) => address),
      ['10.9.8.2', '10.9.8.3', '10.9.8.4', '10.9.8.5'],
    )
    await releaseEndpoints(database, 'b')
    assert.equal((await allocate('e')).address, '10.9.8.6')
    assert.equal((await allocate('f')).address, '10.9.8.3')
  })

  test('an endpoint says all that the kernel is to be told', async () => {
    const endpoint = await allocate('a')
    assert.deepEqual(endpoint, {
      networkName: 'small',
      driver: 'bridge',
      netnsPath: undefined,
      containerId: 'a',
      address: '10.9.8.2',
      prefixLength: 29,
      gateway: '10.9.8.1',
      ipv6: undefined,
      macAddress: '02:74:0a:09:08:02',
      interfaceName: 'eth0',
      hostInterface: endpoint.hostInterface,
      aliases: [],
      state: 'preparing',
      owner: selfAsOwner(),
    })
    assert.match(endpoint.hostInterface, /^veth[0-9a-f]{11}$/)
    assert.deepEqual(endpointsOf(database, 'a'), [endpoint])
  })

  test('a full network is refused by name, and nothing is recorded', async () => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) await allocate(id)
    await assert.rejects(allocate('f'), {
      code: 'FAILED_PRECONDITION',
      message: 'network small: no address of 10.9.8.0/29 is free',
    })
    assert.deepEqual(endpointsOf(database, 'f'), [])
  })

  test('a container has one address in a network, and an interface for each network', async () => {
    await allocate('a')
    const again = await allocate('a')
    const second = await allocate('a', 'large')
    assert.deepEqual(addressesIn(database, 'small'), [again.address])
    assert.deepEqual(
      endpointsOf(database, 'a').map(({ interfaceName }) => interfaceName),
      ['eth0', 'eth1'],
    )
    assert.equal(second.interfaceName, 'eth1')
  })

  test('what a killed process was preparing is taken back by the next', async () => {
    await allocate('a', 'small', deadOwner())
    await allocate('b')
    assert.deepEqual(endpointsOf(database, 'a'), [])
  })

  test('what an earlier boot left is taken back by the next', async () => {
    await allocate('a')
    commitEndpoints(database, 'a', { ...selfAsOwner(), bootId: 'another' })
    await allocate('b')
    assert.deepEqual(endpointsOf(database, 'a'), [])
  })

  test('addresses of running containers stay, and those of dead ones serve a full network', async () => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await allocate(id)
      commitEndpoints(database, id, selfAsOwner())
    }
    commitEndpoints(database, 'c', deadOwner())
    assert.equal((await allocate('f')).address, '10.9.8.4')
    assert.equal(endpointsOf(database, 'a')[0]?.state, 'committed')
    await assert.rejects(allocate('g'), { code: 'FAILED_PRECONDITION' })
  })

  test('ten processes at once get fifty addresses, each its own', async () => {
    const program = join(import.meta.dirname, 'allocate-many.ts')
    const processes = Array.from({ length: 10 }, (_, index) =>
      run(process.execPath, ['--no-warnings', program, dir, String(index), '5']),
    )
    const printed = (await Promise.all(processes)).map(({ stdout }) => stdout.trim().split('\n'))
    assert.equal(new Set(printed.flat()).size, 50)
    assert.deepEqual(addressesIn(database, 'large').toSorted(), printed.flat().toSorted())
  })

  test('a network that does not exist is refused by name', async () => {
    await assert.rejects(allocate('a', 'none-such'), {
      code: 'NOT_FOUND',
      message: 'network none-such: no such network',
    })
  })
})
