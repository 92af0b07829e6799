import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exposedPorts } from '../../../src/cli/render/exposed-ports.ts'

test('ports in their order, with protocols', () => {
  assert.equal(exposedPorts([]), '')
  assert.equal(exposedPorts(['6379/tcp']), '6379/tcp')
  assert.equal(exposedPorts(['8080/tcp', '443/tcp', '80/tcp']), '80/tcp, 443/tcp, 8080/tcp')
  assert.equal(exposedPorts(['53/udp', '53/tcp']), '53/tcp, 53/udp')
  assert.equal(exposedPorts(['80']), '80/tcp')
})

test('neighbours of one protocol are a range', () => {
  assert.equal(exposedPorts(['81/tcp', '80/tcp', '82/tcp', '84/tcp']), '80-82/tcp, 84/tcp')
  assert.equal(exposedPorts(['80/tcp', '81/udp', '81/tcp']), '80-81/tcp, 81/udp')
  assert.equal(exposedPorts(['8000-8005/tcp', '8003/tcp', '8006/tcp']), '8000-8006/tcp')
})

test('what is no port is left out', () => {
  assert.equal(exposedPorts(['http', '80/tcp', '\x1b[31m/tcp', '-1/tcp', '']), '80/tcp')
})
