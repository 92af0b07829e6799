import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portsText } from '../../../src/cli/render/ports.ts'

test('ports in their order, with protocols', () => {
  assert.equal(portsText([], []), '')
  assert.equal(portsText([], ['6379/tcp']), '6379/tcp')
  assert.equal(portsText([], ['8080/tcp', '443/tcp', '80/tcp']), '80/tcp, 443/tcp, 8080/tcp')
  assert.equal(portsText([], ['53/udp', '53/tcp']), '53/tcp, 53/udp')
  assert.equal(portsText([], ['80']), '80/tcp')
})

test('neighbours of one protocol are a range', () => {
  assert.equal(portsText([], ['81/tcp', '80/tcp', '82/tcp', '84/tcp']), '80-82/tcp, 84/tcp')
  assert.equal(portsText([], ['80/tcp', '81/udp', '81/tcp']), '80-81/tcp, 81/udp')
  assert.equal(portsText([], ['8000-8005/tcp', '8003/tcp', '8006/tcp']), '8000-8006/tcp')
})

test('what is no port is left out', () => {
  assert.equal(portsText([], ['http', '80/tcp', '\x1b[31m/tcp', '-1/tcp', '']), '80/tcp')
})

function published(hostPort: number, containerPort: number, hostAddress = '0.0.0.0') {
  const owner = { pid: 1, startTicks: 1, bootId: '' }
  const place = { containerId: 'a', networkName: 'bridge', address: '10.0.0.2' }
  const port = { protocol: 'tcp', hostAddress, hostPort, containerPort } as const
  return { ...port, ...place, owner, state: 'committed' } as const
}

test('published ports name the host’s side; an exposed port that is published is shown once', () => {
  assert.equal(portsText([published(8080, 80)], ['80/tcp']), '0.0.0.0:8080->80/tcp')
  assert.equal(portsText([published(8080, 80)], ['443/tcp']), '443/tcp, 0.0.0.0:8080->80/tcp')
  assert.equal(
    portsText([published(8000, 8000), published(8001, 8001), published(80, 80, '::1')], []),
    '[::1]:80->80/tcp, 0.0.0.0:8000-8001->8000-8001/tcp',
  )
  assert.equal(
    portsText([published(8001, 8001)], ['8000-8002/tcp']),
    '8000/tcp, 0.0.0.0:8001->8001/tcp, 8002/tcp',
  )
})
