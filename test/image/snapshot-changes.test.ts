import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { mountAll, unmountIfMounted } from '../../src/host/mount.ts'
import { changedPaths } from '../../src/image/changed-paths.ts'
import {
  filesBetween,
  snapshotChanges,
  snapshotLayerFiles,
} from '../../src/image/snapshot-changes.ts'
import { openSnapshotView } from '../../src/image/snapshot-view.ts'
import { packFiles } from '../../src/layer/pack-files.ts'
import { walkTree } from '../../src/layer/walk-tree.ts'
import { nativeSnapshotter } from '../../src/snapshot/native.ts'
import type { Snapshotter } from '../../src/snapshot/snapshotter.ts'
import { needsOverlay } from '../helpers/capabilities.ts'
import { describeTree } from '../helpers/describe-tree.ts'
import { openStores, type Stores } from '../helpers/stores.ts'
import { apply } from '../layer/scratch.ts'

const past = new Date('2020-01-01T00:00:00Z')

interface Made {
  readonly stores: Stores
  /** Of the kind under test. */
  readonly view: { readonly database: Stores['database']; readonly snapshots: Snapshotter }
  /** Where the snapshot `own` shows its files. */
  readonly root: string
}

for (const kind of ['overlayfs', 'native'] as const) {
  describe(`snapshotChanges of ${kind}`, { skip: needsOverlay() }, () => {
    test('an untouched snapshot changes nothing', (t) => {
      const { view } = make(t, kind)
      assert.deepEqual([...snapshotChanges(view, 'own')], [])
      assert.deepEqual([...snapshotLayerFiles(view, 'own')], [])
    })

    test('files that are added, changed and deleted, with their directories', (t) => {
      const { view, root } = make(t, kind)
      change(root)
      const lines = changedPaths(snapshotChanges(view, 'own')).map(
        ({ kind: what, path }) => `${what} ${path}`,
      )
      assert.deepEqual(
        lines,
        [
          'deleted /dir/gone',
          'changed /dir',
          'added /dir/new',
          'changed /etc',
          'changed /etc/conf',
          'changed /etc/mode',
          'added /etc/three',
          'changed /link',
          'changed /linked/a',
          'changed /linked/b',
          'changed /linked',
          'changed /replaced',
          'added /replaced/now',
          'deleted /replaced/was',
          'deleted /sub',
          'changed /turned',
          'added /turned/file',
        ].sort(byPath),
      )
    })

    test('its layer makes of the parent what the snapshot is', (t) => {
      const { stores, view, root } = make(t, kind)
      change(root)
      const archive = Buffer.concat([
        ...packFiles(snapshotLayerFiles(view, 'own'), { ownership: 'apply' }),
      ])
      const merged = onParent(t, stores, archive)
      const wanted = describeTree(root)
      const made = describeTree(merged)
      assert.deepEqual(withoutTimes(made), withoutTimes(wanted))
      assert.equal(lstatSync(join(merged, 'linked/a')).ino, lstatSync(join(merged, 'linked/b')).ino)
      assert.equal(made.get('./etc/conf'), wanted.get('./etc/conf'))
    })

    test('the root counts when its owner or mode changes', (t) => {
      const { view, root } = make(t, kind)
      chmodSync(root, 0o700)
      const files = [...snapshotLayerFiles(view, 'own')]
      assert.deepEqual(
        files.map((file) => 'name' in file && file.name),
        [''],
      )
    })
  })
}

describe('filesBetween', { skip: needsOverlay() }, () => {
  test('makes one snapshot of another, files of equal content left out', (t) => {
    const { stores, view } = make(t, 'overlayfs')
    writeSnapshot(stores, 'other', undefined, (root) => {
      fill(root)
      writeFileSync(join(root, 'etc/conf'), 'CONF')
      utimesSync(join(root, 'etc/conf'), past, past)
      rmSync(join(root, 'sub'), { recursive: true })
    })
    const [before, after] = ['base', 'other'].map((key) => openSnapshotView(view, key))
    const names = [...filesBetween(before, after)].map((file) =>
      'name' in file ? file.name : `wh ${file.whiteout}`,
    )
    // Of the same size and time, but with other bytes.
    assert.deepEqual(names, ['etc/conf', 'wh .wh.sub'])
  })
})

/** Times of what the test itself touches differ from one machine to the next. */
function withoutTimes(tree: ReadonlyMap<string, string>): [string, string][] {
  return [...tree].map(([path, facts]) => [path, facts.replace(/^(\d+ \d+ \d+ \d+) \S+/, '$1')])
}

function byPath(a: string, b: string): number {
  const [one = '', other = ''] = [a, b].map((line) => line.split(' ')[1])
  return one < other ? -1 : 1
}

function make(t: TestContext, kind: 'overlayfs' | 'native'): Made {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-changes-'))
  const stores = openStores(directory)
  const root = join(directory, 'merged')
  mkdirSync(root)
  t.after(() => {
    unmountIfMounted(root)
    stores.database.close()
    rmSync(directory, { recursive: true, force: true })
  })
  writeSnapshot(stores, 'base', undefined, fill)
  const snapshots =
    kind === 'native'
      ? nativeSnapshotter(join(directory, 'snapshots'), stores.database)
      : stores.snapshots
  snapshots.prepare('own', 'base')
  mountAll(snapshots.mounts('own'), root)
  return { stores, view: { database: stores.database, snapshots }, root }
}

function writeSnapshot(
  stores: Stores,
  name: string,
  parent: string | undefined,
  write: (root: string) => void,
): void {
  stores.snapshots.prepare(`make ${name}`, parent)
  write(stores.snapshots.directoriesTopFirst(`make ${name}`)[0] ?? '')
  stores.snapshots.commit(name, `make ${name}`)
}

function fill(root: string): void {
  for (const name of ['etc', 'dir', 'sub/deep', 'replaced', 'linked']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  for (const name of ['conf', 'mode', 'same']) {
    writeFileSync(join(root, 'etc', name), 'conf')
  }
  writeFileSync(join(root, 'dir/gone'), 'x')
  writeFileSync(join(root, 'sub/deep/file'), 'x')
  writeFileSync(join(root, 'replaced/was'), 'x')
  writeFileSync(join(root, 'turned'), 'file')
  writeFileSync(join(root, 'linked/a'), 'linked')
  linkSync(join(root, 'linked/a'), join(root, 'linked/b'))
  symlinkSync('a', join(root, 'link'))
  for (const name of [...walkTree(root)].map((file) => file.name)) {
    lutimesSync(join(root, name), past, past)
  }
}

function change(root: string): void {
  // Of the same size and time: only the ctime tells.
  writeFileSync(join(root, 'etc/conf'), 'CONF')
  utimesSync(join(root, 'etc/conf'), past, past)
  chmodSync(join(root, 'etc/mode'), 0o600)
  writeFileSync(join(root, 'etc/three'), '3')
  rmSync(join(root, 'dir/gone'))
  writeFileSync(join(root, 'dir/new'), 'x')
  rmSync(join(root, 'sub'), { recursive: true })
  rmSync(join(root, 'replaced'), { recursive: true })
  mkdirSync(join(root, 'replaced'), { mode: 0o700 })
  writeFileSync(join(root, 'replaced/now'), 'x')
  rmSync(join(root, 'turned'))
  mkdirSync(join(root, 'turned'))
  writeFileSync(join(root, 'turned/file'), 'x')
  symlinkSync('b', join(root, 'link.new'))
  renameSync(join(root, 'link.new'), join(root, 'link'))
  // Overlay may part the two names when one is written: give both of them new.
  rmSync(join(root, 'linked/b'))
  appendFileSync(join(root, 'linked/a'), 'more')
  linkSync(join(root, 'linked/a'), join(root, 'linked/b'))
}

/** The parent with a layer over it, mounted. */
function onParent(t: TestContext, stores: Stores, archive: Buffer): string {
  const { root: layer } = apply(t, archive)
  const merged = mkdtempSync(join(tmpdir(), 'tsctr-merged-'))
  const [base = ''] = stores.snapshots.directoriesTopFirst('base')
  mountAll([{ type: 'overlay', source: 'overlay', options: [`lowerdir=${layer}:${base}`] }], merged)
  t.after(() => {
    unmountIfMounted(merged)
    rmSync(merged, { recursive: true })
  })
  return merged
}
