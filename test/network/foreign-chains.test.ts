import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { removeBridge } from '../../src/network/bridge.ts'
import { ensureDefaultNetwork } from '../../src/network/default-network.ts'
import { needsNetwork, needsPrograms } from '../helpers/capabilities.ts'
import {
  assertReachesOutside,
  becomePrivateHost,
  makeDataRoot,
  makeOutside,
  type Outside,
  output,
  type PrivateDataRoot,
} from './private-host.ts'

describe('beside a firewall that drops what is forwarded', { skip: needsNetwork() }, () => {
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
        await assertReachesOutside(root, outside, await ensureDefaultNetwork(root.database, root))
        iptables(program, '-F')
        const again = await ensureDefaultNetwork(root.database, root)
        await assertReachesOutside(root, outside, again)
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
        await assertReachesOutside(root, outside, network)
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
      await assertReachesOutside(root, outside, network)
      await removeBridge(root.database, network)
      assert.doesNotMatch(output('nft', 'list', 'table', 'inet', 'wall'), /tsctr/)
    } finally {
      output('nft', 'delete table inet wall')
    }
  })
})
