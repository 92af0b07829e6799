import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  formatAddress,
  formatSubnet,
  macAddressOf,
  overlap,
  parseAddress,
  parseSubnet,
} from '../../src/network/ipv4.ts'

describe('IPv4 addresses', () => {
  test('are numbers inside and the same text outside', () => {
    for (const text of ['0.0.0.0', '10.116.0.1', '192.168.255.254', '255.255.255.255']) {
      assert.equal(formatAddress(parseAddress(text)), text)
    }
    assert.equal(parseAddress('255.255.255.255'), 2 ** 32 - 1)
  })

  for (const text of ['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.-4', '01.2.3.4', '1.2.3.4 ']) {
    test(`'${text}' is none`, () => {
      assert.throws(() => parseAddress(text), { code: 'INVALID_ARGUMENT' })
    })
  }

  test('give a hardware address of local administration', () => {
    assert.equal(macAddressOf(parseAddress('10.116.255.3')), '02:74:0a:74:ff:03')
  })
})

describe('subnets', () => {
  test('are read and written', () => {
    for (const text of ['10.116.0.0/14', '10.1.2.3/32', '0.0.0.0/0', '192.168.128.0/17']) {
      assert.equal(formatSubnet(parseSubnet(text)), text)
    }
  })

  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0/8', '/8']) {
    test(`'${text}' is none`, () => {
      assert.throws(() => parseSubnet(text), { code: 'INVALID_ARGUMENT' })
    })
  }

  test('with bits beyond the prefix name the one that was meant', () => {
    assert.throws(() => parseSubnet('10.1.2.3/24'), { hint: 'use 10.1.2.0/24' })
  })

  test('overlap if one holds the other, not if they touch', () => {
    const [large, inside, next] = ['10.0.0.0/16', '10.0.255.0/24', '10.1.0.0/16'].map(parseSubnet)
    assert.ok(large && inside && next)
    assert.equal(overlap(large, inside), true)
    assert.equal(overlap(inside, large), true)
    assert.equal(overlap(large, next), false)
    assert.equal(overlap(next, inside), false)
  })
})
