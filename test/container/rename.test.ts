import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { renameContainer } from '../../src/container/rename.ts'
import { findContainer } from '../../src/store/containers.ts'
import { addContainer, containerStores, running, type TestStores } from './container-stores.ts'

let stores: TestStores

before(() => {
  stores = containerStores()
  addContainer(stores, 'first', { config: { rootfs: '/' }, change: running() })
  addContainer(stores, 'second', { config: { rootfs: '/' } })
})

after(() => stores.close())

test('a container that runs has its new name at once, and the old one is free', () => {
  const { id } = findContainer(stores.database, 'default', 'first')
  renameContainer(stores, { from: id.slice(0, 12), to: 'renamed' })
  assert.equal(findContainer(stores.database, 'default', 'renamed').id, id)
  assert.throws(() => findContainer(stores.database, 'default', 'first'), { code: 'NOT_FOUND' })
  const event = stores.database
    .prepare<[], { attributes: string }>("SELECT attributes FROM event WHERE action = 'rename'")
    .get()
  const { name, oldName } = JSON.parse(event?.attributes ?? '{}')
  assert.deepEqual({ name, oldName }, { name: 'renamed', oldName: '/first' })
})

test('a name that is taken names its holder, and nothing changes', () => {
  const { id } = findContainer(stores.database, 'default', 'renamed')
  assert.throws(() => renameContainer(stores, { from: 'second', to: 'renamed' }), {
    code: 'ALREADY_EXISTS',
    message: `container renamed: name is already in use by container ${id.slice(0, 12)}`,
  })
  assert.throws(() => renameContainer(stores, { from: 'second', to: 'second' }), {
    code: 'ALREADY_EXISTS',
    message: 'container second: has this name already',
  })
  assert.throws(() => renameContainer(stores, { from: 'nobody', to: 'x2' }), { code: 'NOT_FOUND' })
  assert.equal(findContainer(stores.database, 'default', 'second').name, 'second')
})
