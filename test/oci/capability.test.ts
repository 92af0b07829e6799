import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilitiesOfMask, capabilityNames, findCapability } from '../../src/oci/capability.ts'

test('a capability is found with or without CAP_, in any case', () => {
  for (const text of ['net_admin', 'NET_ADMIN', 'CAP_NET_ADMIN', 'cap_net_admin']) {
    assert.equal(findCapability(text), 'CAP_NET_ADMIN', text)
  }
  assert.equal(findCapability('CAP_'), undefined)
})

test('a mask names the bits that are set; bits without a name are left out', () => {
  assert.deepEqual(capabilitiesOfMask('0000000000000021'), ['CAP_CHOWN', 'CAP_KILL'])
  assert.deepEqual(capabilitiesOfMask('ffffffffffffffff'), [...capabilityNames])
  // linux/capability.h: CAP_SYS_ADMIN is 21.
  assert.deepEqual(capabilitiesOfMask('200000'), ['CAP_SYS_ADMIN'])
})
