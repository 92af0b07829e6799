import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { selfAsOwner } from '../../src/host/owner.ts'
import {
  deleteContainer,
  getContainer,
  insertContainer,
  updateContainer,
} from '../../src/store/containers.ts'
import {
  addHealthResult,
  lastHealthResultUs,
  listHealthResults,
} from '../../src/store/health-results.ts'
import { newContainer, openRecordStore, type RecordStore } from './fixture.ts'

let store: RecordStore
beforeEach(() => {
  store = openRecordStore()
})
afterEach(() => store.close())

test('the last five results are kept, and go with their container', () => {
  const { database } = store
  const [web, db] = ['a', 'b'].map((id) => newContainer(id, id))
  assert.ok(web !== undefined && db !== undefined)
  for (const container of [web, db]) insertContainer(database, container)
  assert.equal(lastHealthResultUs(database, web.id), 0)
  for (let number = 1; number <= 7; number += 1) {
    const times = { startedAtUs: number * 1000, endedAtUs: number * 1000 + 1 }
    addHealthResult(database, web.id, { ...times, exitCode: number, output: `no. ${number}` })
  }
  addHealthResult(database, db.id, { startedAtUs: 1, endedAtUs: 2, exitCode: -1, output: 'ü' })
  const codes = listHealthResults(database, web.id).map(({ exitCode }) => exitCode)
  assert.deepEqual(codes, [3, 4, 5, 6, 7])
  assert.equal(lastHealthResultUs(database, web.id), 7000)
  deleteContainer(database, web.id)
  assert.deepEqual(listHealthResults(database, web.id), [])
  assert.deepEqual(listHealthResults(database, db.id), [
    { startedAtUs: 1, endedAtUs: 2, exitCode: -1, output: 'ü' },
  ])
})

test('health stands in the record of a container with who sees to it', () => {
  const { database } = store
  const { id } = newContainer('a', 'web')
  insertContainer(database, newContainer('a', 'web'))
  assert.equal(getContainer(database, id)?.health, undefined)
  const self = selfAsOwner()
  const health = { status: 'unhealthy', failingStreak: 4, helper: self } as const
  updateContainer(database, id, { process: self, health })
  assert.deepEqual(getContainer(database, id)?.health, health)
  updateContainer(database, id, { health: undefined })
  assert.equal(getContainer(database, id)?.health, undefined)
})
