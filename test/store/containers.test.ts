import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { selfAsOwner } from '../../src/host/owner.ts'
import {
  deleteContainer,
  findContainer,
  getContainer,
  insertContainer,
  listContainers,
  updateContainer,
} from '../../src/store/containers.ts'
import { newContainer, openRecordStore, type RecordStore } from './fixture.ts'

let store: RecordStore
beforeEach(() => {
  store = openRecordStore()
})
afterEach(() => store.close())

function insert(id: string, name: string, namespace = 'default'): string {
  const container = newContainer(id, name, namespace)
  insertContainer(store.database, container)
  return container.id
}

function find(nameOrId: string, namespace = 'default'): string {
  return findContainer(store.database, namespace, nameOrId).name
}

describe('a container record', () => {
  test('holds what it was made with, and is being created', () => {
    const id = insert('a', 'web')
    const record = getContainer(store.database, id)
    assert.ok(record)
    const { createdAt, ...rest } = record
    assert.deepEqual(rest, {
      ...newContainer('a', 'web'),
      state: 'creating',
      process: undefined,
      monitor: undefined,
      exitCode: undefined,
      error: '',
      startedAt: undefined,
      finishedAt: undefined,
      restart: { count: 0, delayMs: undefined, at: undefined },
      isStopRequested: false,
      health: undefined,
    })
    assert.ok(Math.abs(createdAt.getTime() - Date.now()) < 60_000)
  })

  test('may have neither image nor snapshot', () => {
    const without = { imageTargetDigest: undefined, snapshotKey: undefined }
    insertContainer(store.database, { ...newContainer('a', 'web'), ...without })
    const record = findContainer(store.database, 'default', 'web')
    assert.equal(record.imageTargetDigest, undefined)
    assert.equal(record.snapshotKey, undefined)
  })

  test('changes only where it is told to, and undefined clears', () => {
    const id = insert('a', 'web')
    const self = selfAsOwner()
    const monitor = { ...self, pid: 7 }
    const startedAt = new Date(1000)
    const change = {
      state: 'running',
      process: self,
      monitor,
      owner: undefined,
      startedAt,
    } as const
    assert.equal(updateContainer(store.database, id, change), true)
    const running = getContainer(store.database, id)
    assert.deepEqual({ ...running, ...change }, running)
    assert.equal(running?.name, 'web')

    const finishedAt = new Date(2000)
    const end = { state: 'exited', exitCode: 0, finishedAt, process: undefined } as const
    updateContainer(store.database, id, end)
    const exited = getContainer(store.database, id)
    assert.equal(exited?.process, undefined)
    assert.equal(exited?.exitCode, 0)
    assert.deepEqual([exited?.startedAt, exited?.finishedAt], [startedAt, finishedAt])

    updateContainer(store.database, id, { exitCode: undefined, error: 'no such file', name: 'new' })
    const last = findContainer(store.database, 'default', 'new')
    assert.equal(last.exitCode, undefined)
    assert.equal(last.error, 'no such file')
    assert.equal(last.state, 'exited')
  })

  test('that is gone cannot be changed', () => {
    const id = insert('a', 'web')
    assert.equal(deleteContainer(store.database, id), true)
    assert.equal(deleteContainer(store.database, id), false)
    assert.equal(updateContainer(store.database, id, { state: 'exited' }), false)
    assert.equal(getContainer(store.database, id), undefined)
  })
})

describe('a container name', () => {
  test('is taken once in a namespace', () => {
    insert('abcdef0123456789', 'web')
    assert.throws(() => insert('b', 'web'), {
      code: 'ALREADY_EXISTS',
      message: 'container web: name is already in use by container abcdef012345',
    })
    insert('c', 'web', 'other')
    assert.equal(listContainers(store.database).length, 2)
  })

  test('is free again when its container is gone', () => {
    deleteContainer(store.database, insert('a', 'web'))
    insert('b', 'web')
  })
})

describe('findContainer', () => {
  test('takes a name, a whole id or the start of one', () => {
    const id = insert('abc1', 'web')
    insert('abd1', 'database')
    assert.equal(find('web'), 'web')
    assert.equal(find(id), 'web')
    assert.equal(find('abc'), 'web')
    assert.equal(find('abd'), 'database')
  })

  test('prefers a name to the start of an id', () => {
    insert('abc1', 'web')
    insert('def1', 'abc')
    assert.equal(find('abc'), 'abc')
    assert.equal(find('abc1'), 'web')
  })

  test('refuses a start that several ids have', () => {
    insert('abc1', 'one')
    insert('abc2', 'two')
    assert.throws(() => find('abc'), {
      code: 'INVALID_ARGUMENT',
      message: 'container abc: several ids start so',
    })
  })

  test('finds neither parts of names, nor patterns, nor nothing', () => {
    insert('abc1', 'web')
    for (const text of ['we', 'WEB', 'bc1', 'ABC', '*', 'a*', 'a?c', '[a]', '%', '', "'", 'x']) {
      assert.throws(() => find(text), {
        code: 'NOT_FOUND',
        message: `container ${text}: no such container`,
      })
    }
  })

  test('looks in one namespace', () => {
    const id = insert('abc1', 'web', 'other')
    for (const text of ['web', id, 'abc']) {
      assert.throws(() => find(text), { code: 'NOT_FOUND' })
      assert.equal(find(text, 'other'), 'web')
    }
    insert('abc2', 'mine')
    assert.equal(find('abc'), 'mine')
  })
})

describe('listContainers', () => {
  test('lists the newest first, those of one moment too', () => {
    const moment = 5000
    for (const id of ['c', 'a', 'b']) insert(id, `name-${id}`)
    store.database.prepare('UPDATE container SET created_at = ?').run(moment)
    insert('d', 'elsewhere', 'other')
    const names = (namespace?: string): string[] =>
      listContainers(store.database, namespace).map(({ name }) => name)
    assert.deepEqual(names('default'), ['name-b', 'name-a', 'name-c'])
    assert.deepEqual(names(), ['elsewhere', 'name-b', 'name-a', 'name-c'])
  })
})
