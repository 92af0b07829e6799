import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { processStartTicks, selfAsOwner } from '../../src/host/owner.ts'
import { createLease, dropDeadLeases, leasedResources } from '../../src/store/leases.ts'
import { deadOwner, openRecordStore, type RecordStore } from './fixture.ts'

let store: RecordStore
beforeEach(() => {
  store = openRecordStore()
})
afterEach(() => store.close())

const held = (kind: 'blob' | 'snapshot'): string[] =>
  [...leasedResources(store.database, kind)].sort()

/** Leases that have a row, and resources that have one. */
function rows(): [leases: number, resources: number] {
  const count = (table: string): number =>
    Number(store.database.prepare(`SELECT count(*) FROM ${table}`).pluck().get())
  return [count('lease'), count('lease_resource')]
}

/** As if another process, or this one in another boot, had made the lease. */
function setOwner(id: string, owner: ReturnType<typeof selfAsOwner>): void {
  store.database
    .prepare(
      'UPDATE lease SET owner_pid = ?, owner_start_ticks = ?, owner_boot_id = ? WHERE id = ?',
    )
    .run(owner.pid, owner.startTicks, owner.bootId, id)
}

describe('leases', () => {
  test('hold resources of each kind until they are released', () => {
    const one = createLease(store.database, 'pull redis')
    const two = createLease(store.database, 'pull busybox')
    one.hold('blob', 'a', 'b')
    one.hold('blob', 'b')
    one.hold('snapshot', 'c')
    two.hold('blob', 'b')
    assert.notEqual(one.id, two.id)
    assert.deepEqual(held('blob'), ['a', 'b'])
    assert.deepEqual(held('snapshot'), ['c'])
    one.release()
    assert.deepEqual(held('blob'), ['b'])
    assert.deepEqual(held('snapshot'), [])
    two.release()
    one.release()
    assert.deepEqual(held('blob'), [])
  })

  test('hold nothing once they are released', () => {
    const lease = createLease(store.database, 'pull')
    lease.release()
    assert.throws(() => lease.hold('blob', 'a'), { code: 'SQLITE_CONSTRAINT_FOREIGNKEY' })
  })

  test('hold while their process lives, and are dropped once it is dead', async () => {
    const child = spawn('sleep', ['600'])
    try {
      await once(child, 'spawn')
      const pid = child.pid ?? 0
      const startTicks = processStartTicks(pid) ?? 0
      const mine = createLease(store.database, 'mine')
      const others = createLease(store.database, 'others')
      mine.hold('blob', 'mine')
      others.hold('blob', 'others')
      setOwner(others.id, { ...selfAsOwner(), pid, startTicks })
      dropDeadLeases(store.database)
      assert.deepEqual(held('blob'), ['mine', 'others'])
      child.kill('SIGKILL')
      await once(child, 'exit')
      assert.deepEqual(held('blob'), ['mine'])
      assert.deepEqual(rows(), [2, 2])
      dropDeadLeases(store.database)
      assert.deepEqual(held('blob'), ['mine'])
      assert.deepEqual(rows(), [1, 1])
    } finally {
      child.kill('SIGKILL')
    }
  })

  // After a reboot the same pid, and even the same start time, is another process.
  test('of a process whose pid another one has now hold nothing', () => {
    const reused = createLease(store.database, 'reused')
    const rebooted = createLease(store.database, 'rebooted')
    setOwner(reused.id, deadOwner())
    setOwner(rebooted.id, { ...selfAsOwner(), bootId: '00000000-0000-0000-0000-000000000000' })
    for (const lease of [reused, rebooted]) lease.hold('snapshot', lease.id)
    assert.deepEqual(held('snapshot'), [])
    dropDeadLeases(store.database)
    assert.deepEqual(rows(), [0, 0])
  })

  test('with an end hold until it comes', () => {
    const over = createLease(store.database, 'over')
    const going = createLease(store.database, 'going')
    const expire = store.database.prepare('UPDATE lease SET expires_at = ? WHERE id = ?')
    expire.run(Date.now() - 1, over.id)
    expire.run(Date.now() + 3_600_000, going.id)
    over.hold('blob', 'over')
    going.hold('blob', 'going')
    assert.deepEqual(held('blob'), ['going'])
    dropDeadLeases(store.database)
    assert.deepEqual(rows(), [1, 1])
  })
})
