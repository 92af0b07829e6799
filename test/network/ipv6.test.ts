import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  bytesOf6,
  canonicalAddress6,
  formatSubnet6,
  overlap6,
  parseAddress6,
  parseSubnet6,
} from '../../src/network/ipv6.ts'

describe('IPv6 addresses', () => {
  const forms: readonly (readonly [string, string])[] = [
    ['::', '::'],
    ['::1', '::1'],
    ['FD00:0:0:1::', 'fd00:0:0:1::'],
    ['fd00:0:0:1:0:0:0:2', 'fd00:0:0:1::2'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:10.1.2.3', '::ffff:a01:203'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ]
  for (const [text, usual] of forms) {
    test(`${text} is ${usual}`, () => assert.equal(canonicalAddress6(text), usual))
  }

  for (const text of ['', '1.2.3.4', 'fe80::1%eth0', '1::2::3', 'fd00:', ':::']) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseAddress6(text), { code: 'INVALID_ARGUMENT' })
    })
  }

  test('as bytes they are in network order', () => {
    assert.equal(bytesOf6(parseAddress6('::1')).toString('hex'), `${'00'.repeat(15)}01`)
    assert.equal(bytesOf6(parseAddress6('fd00::')).length, 16)
  })

  test('a subnet is named by its first address', () => {
    assert.equal(formatSubnet6(parseSubnet6('fd00:1::5/64')), 'fd00:1::/64')
    assert.throws(() => parseSubnet6('fd00::/129'), { code: 'INVALID_ARGUMENT' })
    assert.throws(() => parseSubnet6('fd00::'), { code: 'INVALID_ARGUMENT' })
  })

  test('subnets overlap where one is in the other', () => {
    const large = parseSubnet6('fd00::/16')
    assert.ok(overlap6(large, parseSubnet6('fd00:1::/64')))
    assert.ok(overlap6(parseSubnet6('fd00:1::/64'), large))
    assert.ok(!overlap6(large, parseSubnet6('fd01::/64')))
  })
})
