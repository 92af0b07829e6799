import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveMounts } from '../../src/container/resolve-mounts.ts'
import { containerStores } from './container-stores.ts'

// Fault list, b3 34.
test('what an image calls its volumes are anonymous volumes inside the container', (t) => {
  const stores = containerStores()
  t.after(() => stores.close())
  const named = ['/../../etc', 'relative', '../up', '/a/../b', '//c/', '/', '..', '', '/b']
  const mounts = resolveMounts(stores, { mounts: [] }, named)
  assert.deepEqual(
    mounts.map(({ target }) => target),
    ['/etc', '/relative', '/up', '/b', '/c'],
  )
  for (const mount of mounts) {
    assert.ok(mount.type === 'volume' && mount.isAnonymous, mount.target)
    assert.match(mount.name ?? '', /^[0-9a-f]{64}$/)
  }
})
