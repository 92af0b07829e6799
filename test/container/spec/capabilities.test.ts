import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  capabilitySets,
  defaultCapabilities,
  grantedCapabilities,
} from '../../../src/container/spec/capabilities.ts'
import { type CapabilityName, capabilityNames } from '../../../src/oci/capability.ts'

const all: { capabilities: readonly CapabilityName[] } = { capabilities: capabilityNames }
const lacking = { capabilities: capabilityNames.filter((name) => name !== 'CAP_MKNOD') }

function granted(capAdd: string[], capDrop: string[], isPrivileged = false, facts = all) {
  return grantedCapabilities({ capAdd, capDrop }, facts, isPrivileged)
}

test('docker’s fourteen by default', () => {
  assert.equal(defaultCapabilities.length, 14)
  assert.deepEqual(granted([], []), [...defaultCapabilities])
})

test('adding and dropping', () => {
  assert.deepEqual(granted(['CAP_CHOWN'], ['ALL']), ['CAP_CHOWN'])
  assert.deepEqual(
    granted(['ALL'], ['CAP_CHOWN']),
    capabilityNames.filter((name) => name !== 'CAP_CHOWN'),
  )
  assert.ok(granted(['CAP_SYS_ADMIN'], []).includes('CAP_SYS_ADMIN'))
  assert.ok(!granted([], ['CAP_KILL']).includes('CAP_KILL'))
  assert.deepEqual(granted([], ['ALL'], true), [...capabilityNames])
})

test('what this process lacks is left out, unless it is asked for by name', () => {
  for (const list of [granted([], [], false, lacking), granted(['ALL'], [], true, lacking)]) {
    assert.ok(!list.includes('CAP_MKNOD'))
  }
  assert.throws(() => granted(['CAP_MKNOD'], [], false, lacking), /tsctr does not have it itself/)
})

// Fault list, b3 46.
// CVE-2022-24769: inheritable capabilities let any program of the image gain them.
test('none is inheritable or ambient, and another user than root starts with none', () => {
  const root = capabilitySets(['CAP_CHOWN'], 0)
  assert.deepEqual(root, {
    bounding: ['CAP_CHOWN'],
    effective: ['CAP_CHOWN'],
    permitted: ['CAP_CHOWN'],
  })
  assert.deepEqual(capabilitySets(['CAP_CHOWN'], 1000), { bounding: ['CAP_CHOWN'] })
})
