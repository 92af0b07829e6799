import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runcFaults } from '../../src/runtime/runc-faults.ts'

// Fault list, b3 45.
test('versions of runc with known faults are named', () => {
  for (const version of ['1.0.0-rc93', '1.1.5+ds1', '1.2.7', '1.3.2', '1.3.0-rc.1', '1.4.0-rc.2']) {
    assert.match(runcFaults(version) ?? '', /CVE-2025-31133/, version)
  }
  for (const version of ['1.2.8', '1.3.3', '1.4.0-rc.3', '1.4.0', '1.5.0-rc.1', '2.0.0']) {
    assert.equal(runcFaults(version), undefined, version)
  }
})

test('nothing is said of what is no version', () => {
  assert.equal(runcFaults(''), undefined)
  assert.equal(runcFaults('unknown'), undefined)
})
