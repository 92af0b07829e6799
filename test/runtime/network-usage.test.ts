import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { networkUsage } from '../../src/runtime/network-usage.ts'

test('all interfaces count but loopback', () => {
  const proc = mkdtempSync(join(tmpdir(), 'tsctr-net-'))
  mkdirSync(join(proc, '7/net'), { recursive: true })
  writeFileSync(
    join(proc, '7/net/dev'),
    `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     999       9    0    0    0     0          0         0      999       9    0    0    0     0       0          0
  eth0:    1286      15    0    0    0     0          0         0      586       7    0    0    0     0       0          0
  eth1:14       1    0    0    0     0          0         0        4       1    0    0    0     0       0          0
`,
  )
  try {
    assert.deepEqual(networkUsage(7, proc), { receivedBytes: 1300, sentBytes: 590 })
    assert.equal(networkUsage(8, proc), undefined)
  } finally {
    rmSync(proc, { recursive: true })
  }
})
