import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ensureNamespace, listNamespaces } from '../../src/store/namespaces.ts'
import { openRecordStore } from './fixture.ts'

test('a namespace is made once, and all are listed by name', () => {
  const store = openRecordStore()
  try {
    ensureNamespace(store.database, 'a')
    ensureNamespace(store.database, 'default')
    assert.deepEqual(listNamespaces(store.database), ['a', 'default', 'other'])
  } finally {
    store.close()
  }
})
