import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { mountAll } from '../../src/host/mount.ts'
import { nativeSnapshotter } from '../../src/snapshot/native.ts'
import { overlaySnapshotter } from '../../src/snapshot/overlay.ts'
import { needsOverlay, needsRoot } from '../helpers/capabilities.ts'
import { testSnapshotter } from './contract.ts'
import { openStore } from './fixture.ts'

testSnapshotter('native', nativeSnapshotter, needsRoot())

describe('native: copies', { skip: needsRoot() }, () => {
  test('that do not fit on the disk leave nothing', () => {
    const store = openStore((root, database) => {
      mountAll([{ type: 'tmpfs', source: 'tmpfs', options: ['size=4m'] }], dirname(root))
      mkdirSync(root)
      return nativeSnapshotter(root, database)
    })
    try {
      const fill = (directory: string): void =>
        writeFileSync(join(directory, 'file'), Buffer.alloc(3 << 20, 1))
      store.layer('base', undefined, fill)
      assert.throws(() => store.snapshots.prepare('key', 'base'), {
        code: 'FAILED_PRECONDITION',
        message: `${store.root}/2/fs: no space left on device`,
      })
      assert.throws(() => store.snapshots.stat('key'), { code: 'NOT_FOUND' })
      assert.deepEqual(readdirSync(store.root), ['1'])
    } finally {
      store.close()
    }
  })

  test('and overlays stand side by side on the same layers', { skip: needsOverlay() }, () => {
    const store = openStore(overlaySnapshotter)
    try {
      const native = nativeSnapshotter(store.root, store.database)
      store.layer('base', undefined, (directory) => writeFileSync(join(directory, 'file'), 'x'))
      store.snapshots.prepare('overlay', 'base')
      native.prepare('copy', 'base')
      assert.equal(existsSync(join(store.directory('overlay'), 'file')), false)
      assert.equal(readFileSync(join(store.directory('copy'), 'file'), 'utf8'), 'x')
      assert.equal(store.snapshots.mounts('overlay')[0]?.type, 'overlay')
      assert.equal(native.mounts('copy')[0]?.type, 'bind')
    } finally {
      store.close()
    }
  })
})
