import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { collectGarbage } from '../../src/gc/collect-garbage.ts'
import { mountAll, mountsUnder, unmountTree } from '../../src/host/mount.ts'
import { mountedViews, mountView, unmountView } from '../../src/snapshot/mounted-views.ts'
import { needsRoot } from '../helpers/capabilities.ts'
import { openStores, type Stores } from '../helpers/stores.ts'

let stores: Stores
let home: string
beforeEach(() => {
  stores = openStores(mkdtempSync(join(tmpdir(), 'tsctr-views-')))
  home = join(stores.dataRoot, 'mounts')
  stores.snapshots.prepare('key', undefined)
  const [directory = ''] = stores.snapshots.directoriesTopFirst('key')
  writeFileSync(join(directory, 'file'), 'content')
  stores.snapshots.commit('layer', 'key')
})
afterEach(() => {
  stores.database.close()
  unmountTree(stores.dataRoot)
  rmSync(stores.dataRoot, { recursive: true })
})

const mount = (target?: string, parent = 'layer') =>
  mountView(stores.snapshots, { parent, target, home, labels: { mine: 'label' } })

/** As if the process had been killed, before or after it recorded that all was done. */
function killOwner(state: 'mounting' | 'mounted', bootId?: string): void {
  stores.database
    .prepare(
      `UPDATE snapshot SET owner_start_ticks = owner_start_ticks - 1,
         labels = json_set(labels, '$."mount.state"', ?),
         owner_boot_id = coalesce(?, owner_boot_id) WHERE kind = 'view'`,
    )
    .run(state, bootId ?? null)
}

describe('a mounted view', { skip: needsRoot() }, () => {
  test('shows its snapshot and outlives the process that made it', () => {
    const view = mount()
    killOwner('mounted')
    collectGarbage(stores)
    assert.deepEqual(readdirSync(view.target), ['file'])
    assert.deepEqual(
      mountedViews(stores.snapshots).map(({ parent, target, state, labels }) => {
        return [parent, target, state, labels.mine]
      }),
      [['layer', view.target, 'mounted', 'label']],
    )
    unmountView(stores.snapshots, view)
    assert.deepEqual([mountedViews(stores.snapshots), readdirSync(home)], [[], []])
  })

  test('of a process killed on the way is taken away by gc, mount and all', () => {
    const { target } = mount()
    killOwner('mounting')
    const { snapshots } = collectGarbage(stores)
    assert.equal(snapshots.length, 2)
    assert.deepEqual(mountsUnder(target), [])
    assert.equal(existsSync(target), false)
  })

  test('of another boot is garbage; what is mounted there now is not touched', () => {
    const target = join(stores.dataRoot, 'own')
    mkdirSync(target)
    unmountView(stores.snapshots, mount(target))
    const view = mount(target)
    unmountTree(target)
    killOwner('mounted', 'another boot')
    mountAll([{ type: 'bind', source: stores.dataRoot, options: ['rbind'] }], target)
    const { snapshots } = collectGarbage(stores)
    assert.ok(snapshots.some(({ key }) => key === view.key))
    assert.deepEqual(mountsUnder(target), [target])
  })

  test('that cannot be made leaves nothing', () => {
    assert.throws(() => mount(join(stores.dataRoot, 'missing')), { code: 'NOT_FOUND' })
    assert.throws(() => mount(join(stores.dataRoot, 'meta.db')), { code: 'FAILED_PRECONDITION' })
    assert.throws(() => mount(undefined, 'none'), { code: 'NOT_FOUND' })
    writeFileSync(home, 'in the way')
    assert.throws(() => mount(), { code: 'FAILED_PRECONDITION', message: /: cannot be made$/ })
    assert.equal(stores.snapshots.walk().length, 1)
    assert.deepEqual(readdirSync(join(stores.dataRoot, 'snapshots')), ['1'])
  })
})
