import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { needsRoot, type SkipReason } from '../helpers/capabilities.ts'
import {
  type MakeSnapshotter,
  opaqueDirectory,
  openStore,
  type Store,
  whiteout,
} from './fixture.ts'

/**
 * What every snapshotter must do.
 *
 * @param skipMounts  why mounts cannot be tried here
 */
export function testSnapshotter(
  name: 'overlayfs' | 'native',
  make: MakeSnapshotter,
  skipMounts: SkipReason,
): void {
  let store: Store
  let children: ChildProcess[]
  beforeEach(() => {
    store = openStore(make)
    children = []
  })
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    store.close()
  })

  const run = (program: string, ...args: readonly string[]): ChildProcess => {
    const path = join(import.meta.dirname, program)
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', path, ...args],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.push(child)
    return child
  }
  const prepareInProcess = async (parent: string, keys: readonly string[]): Promise<string[]> => {
    const child = run('prepare-process.ts', name, store.root, store.databasePath, parent, ...keys)
    assert.ok(child.stdout)
    return (await text(child.stdout)).trimEnd().split('\n')
  }
  const baseLayer = (): string =>
    store.layer('base', undefined, (directory) => writeFileSync(join(directory, 'file'), 'base'))

  describe(`${name}: records`, () => {
    test('a snapshot goes from active to committed and is removed', () => {
      const { snapshots } = store
      const active = snapshots.prepare('key', undefined, { a: '1' })
      assert.equal(snapshots.name, name)
      assert.equal(active.number, 1)
      assert.equal(active.kind, 'active')
      assert.equal(active.parent, undefined)
      assert.deepEqual(active.labels, { a: '1' })
      assert.equal(active.owner.pid, process.pid)
      assert.deepEqual(snapshots.stat('key'), active)
      assert.deepEqual(snapshots.directoriesTopFirst('key'), [join(store.root, '1', 'fs')])

      const committed = snapshots.commit('name', 'key')
      assert.equal(committed.number, 1)
      assert.equal(committed.kind, 'committed')
      assert.deepEqual(committed.labels, { a: '1' })
      assert.throws(() => snapshots.stat('key'), { code: 'NOT_FOUND' })

      const child = snapshots.prepare('child', 'name')
      assert.equal(child.number, 2)
      assert.equal(child.parent, 'name')
      assert.deepEqual(
        snapshots.walk().map((each) => each.key),
        ['name', 'child'],
      )
      snapshots.remove('child')
      snapshots.remove('name')
      assert.deepEqual(snapshots.walk(), [])
      assert.deepEqual(readdirSync(store.root), [])
    })

    test('labels are replaced, at commit too', () => {
      const { snapshots } = store
      snapshots.prepare('key', undefined, { a: '1' })
      assert.deepEqual(snapshots.update('key', { b: '2' }).labels, { b: '2' })
      assert.deepEqual(snapshots.commit('name', 'key', { labels: { c: '3' } }).labels, { c: '3' })
      assert.throws(() => snapshots.update('missing', {}), { code: 'NOT_FOUND' })
    })

    test('keys and names are one space, in which each is taken once', () => {
      const { snapshots } = store
      baseLayer()
      snapshots.prepare('active', 'base')
      const taken = { code: 'ALREADY_EXISTS' }
      assert.throws(() => snapshots.prepare('active', 'base'), taken)
      assert.throws(() => snapshots.prepare('base', undefined), taken)
      assert.throws(() => snapshots.view('active', 'base'), taken)
      assert.throws(() => snapshots.commit('base', 'active'), taken)
      assert.equal(snapshots.stat('active').kind, 'active')
      assert.deepEqual(readdirSync(store.root).sort(), ['1', '2'])
    })

    test('what is not there is NOT_FOUND, and nothing is made', () => {
      const { snapshots } = store
      const notFound = { code: 'NOT_FOUND' }
      assert.throws(() => snapshots.prepare('key', 'missing'), notFound)
      assert.throws(() => snapshots.view('key', 'missing'), notFound)
      assert.throws(() => snapshots.commit('name', 'missing'), notFound)
      assert.throws(() => snapshots.remove('missing'), notFound)
      assert.throws(() => snapshots.forget('missing'), notFound)
      assert.throws(() => snapshots.mounts('missing'), notFound)
      assert.throws(() => snapshots.usage('missing'), notFound)
      assert.throws(() => snapshots.directoriesTopFirst('missing'), notFound)
      assert.deepEqual(snapshots.walk(), [])
      assert.deepEqual(readdirSync(store.root), [])
    })

    test('only a committed snapshot is a parent, and only an active one is committed', () => {
      const { snapshots } = store
      baseLayer()
      snapshots.prepare('active', 'base')
      snapshots.view('view', 'base')
      const refused = { code: 'FAILED_PRECONDITION' }
      assert.throws(() => snapshots.prepare('key', 'active'), refused)
      assert.throws(() => snapshots.view('key', 'view'), refused)
      assert.throws(() => snapshots.commit('name', 'view'), refused)
      assert.throws(() => snapshots.commit('name', 'base'), refused)
      assert.throws(() => snapshots.commit('name', 'active', { parent: 'view' }), refused)
      assert.throws(() => snapshots.mounts('base'), refused)
      assert.equal(snapshots.stat('active').kind, 'active')
    })

    test('a parent with children is not removed', () => {
      const { snapshots } = store
      baseLayer()
      snapshots.prepare('child', 'base')
      const refused = { code: 'FAILED_PRECONDITION', message: /base: is the parent of child/ }
      assert.throws(() => snapshots.remove('base'), refused)
      assert.throws(() => snapshots.forget('base'), refused)
      assert.equal(readFileSync(join(store.directory('base'), 'file'), 'utf8'), 'base')
      snapshots.remove('child')
      snapshots.remove('base')
    })

    test('layers made without a parent get it when they are committed', () => {
      const { snapshots } = store
      baseLayer()
      store.layer('top', 'base', () => {})
      assert.equal(snapshots.stat('top').parent, 'base')
      snapshots.prepare('key', 'top')
      const numbers = [3, 2, 1].map((number) => join(store.root, String(number), 'fs'))
      assert.deepEqual(snapshots.directoriesTopFirst('key'), numbers)
    })

    test('a number is never used again', () => {
      const { snapshots } = store
      for (const number of [1, 2, 3]) {
        assert.equal(snapshots.prepare('key', undefined).number, number)
        snapshots.remove('key')
      }
      snapshots.prepare('kept', undefined)
      snapshots.forget('kept')
      assert.deepEqual(snapshots.cleanup(), [join(store.root, '4')])
      assert.equal(snapshots.prepare('key', undefined).number, 5)
    })
  })

  describe(`${name}: directories`, () => {
    test('one without a row is garbage and its number free', () => {
      const { snapshots } = store
      baseLayer()
      for (const path of ['2/fs/half/made', '7/fs']) {
        mkdirSync(join(store.root, path), { recursive: true })
      }
      mkdirSync(join(store.root, 'not a number'))
      const orphans = snapshots.cleanup().sort()
      assert.deepEqual(orphans, [join(store.root, '2'), join(store.root, '7')])
      assert.deepEqual(readdirSync(store.root).sort(), ['1', 'not a number'])
      assert.deepEqual(snapshots.cleanup(), [])
      assert.equal(snapshots.prepare('key', 'base').number, 2)
    })

    // The row and with it the counter are rolled back; the directory is not.
    test('one of a process that was killed before its row was committed is made anew', {
      timeout: 60_000,
    }, async () => {
      const child = run('killed-process.ts', store.root, store.databasePath)
      const [, signal] = await once(child, 'close')
      assert.equal(signal, 'SIGKILL')
      assert.ok(existsSync(join(store.root, '1', 'fs', 'half-made')))
      assert.deepEqual(store.snapshots.walk(), [])
      assert.equal(store.snapshots.prepare('key', undefined).number, 1)
      assert.deepEqual(readdirSync(store.directory('key')), [])
    })

    test('one with names that are no text, and without permissions, is removed', () => {
      store.snapshots.prepare('key', undefined)
      const closed = Buffer.from(`${store.directory('key')}/\xff\xfe`, 'latin1')
      mkdirSync(closed)
      writeFileSync(Buffer.concat([closed, Buffer.from('/\x80', 'latin1')]), '')
      symlinkSync(store.root, join(store.directory('key'), 'link'))
      // Only root needs no permission to look in.
      if (needsRoot() === false) chmodSync(closed, 0)
      store.snapshots.remove('key')
      assert.deepEqual(readdirSync(store.root), [])
    })

    test('a snapshot whose directory cannot be filled leaves nothing', () => {
      const { snapshots } = store
      baseLayer()
      rmSync(store.directory('base'), { recursive: true })
      assert.throws(() => snapshots.prepare('key', 'base'), { code: 'ENOENT' })
      assert.throws(() => snapshots.stat('key'), { code: 'NOT_FOUND' })
      assert.deepEqual(readdirSync(store.root), ['1'])
    })

    test('others on the machine cannot look in', () => {
      store.snapshots.prepare('key', undefined)
      assert.equal(statSync(join(store.root, '1')).mode & 0o777, 0o700)
    })

    test('usage counts blocks and inodes, hard links once', () => {
      const { snapshots } = store
      store.layer('base', undefined, (directory) => {
        writeFileSync(join(directory, 'big'), Buffer.alloc(100_000, 1))
        linkSync(join(directory, 'big'), join(directory, 'same'))
        symlinkSync('big', join(directory, 'link'))
      })
      const usage = snapshots.usage('base')
      assert.equal(usage.inodes, 3)
      assert.ok(usage.sizeBytes >= 100_000 && usage.sizeBytes < 200_000, `${usage.sizeBytes}`)
      assert.deepEqual(snapshots.stat('base').usage, usage)
      snapshots.prepare('given', undefined)
      snapshots.commit('known', 'given', { usage: { sizeBytes: 5, inodes: 6 } })
      assert.deepEqual(snapshots.usage('known'), { sizeBytes: 5, inodes: 6 })
    })

    test('usage of an active snapshot is measured each time', () => {
      const { snapshots } = store
      snapshots.prepare('key', undefined)
      const before = snapshots.usage('key').inodes
      writeFileSync(join(store.directory('key'), 'file'), '')
      assert.equal(snapshots.usage('key').inodes, before + 1)
    })
  })

  describe(`${name}: processes`, { timeout: 120_000 }, () => {
    test('that prepare at once get numbers of their own', async () => {
      baseLayer()
      const keys = (prefix: string): string[] =>
        Array.from({ length: 15 }, (_, index) => `${prefix}-${index}`)
      const lines = await Promise.all(
        ['a', 'b', 'c'].map((prefix) => prepareInProcess('base', keys(prefix))),
      )
      const numbers = lines.flat().map((line) => Number(line.split(' ')[1]))
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        Array.from({ length: 45 }, (_, index) => index + 2),
      )
      for (const { key } of store.snapshots.walk()) assert.ok(existsSync(store.directory(key)))
    })

    test('that want one key at once: one gets it', async () => {
      baseLayer()
      const keys = Array.from({ length: 10 }, (_, index) => `key-${index}`)
      const lines = (await Promise.all([1, 2].map(() => prepareInProcess('base', keys)))).flat()
      for (const key of keys) {
        const outcomes = lines.filter((line) => line.startsWith(`${key} `)).sort()
        assert.match(outcomes[0] ?? '', /^key-\d \d+$/)
        assert.equal(outcomes[1], `${key} ALREADY_EXISTS`)
      }
      assert.equal(store.snapshots.walk().length, 11)
      assert.equal(readdirSync(store.root).length, 11)
    })

    test('that prepare while another cleans up keep their directories', async () => {
      baseLayer()
      const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`)
      let isDone = false
      const prepared = prepareInProcess('base', keys).finally(() => {
        isDone = true
      })
      while (!isDone) {
        assert.deepEqual(store.snapshots.cleanup(), [])
        await nextTurn()
      }
      assert.equal((await prepared).length, 30)
      for (const { key } of store.snapshots.walk()) assert.ok(existsSync(store.directory(key)))
    })
  })

  describe(`${name}: mounts`, { skip: skipMounts }, () => {
    test('show the parents, and take writes into the own directory alone', () => {
      baseLayer()
      store.snapshots.prepare('one', 'base')
      store.snapshots.prepare('two', 'base')
      store.mounted('one', (directory) => {
        assert.equal(readFileSync(join(directory, 'file'), 'utf8'), 'base')
        writeFileSync(join(directory, 'file'), 'changed')
        writeFileSync(join(directory, 'new'), 'new')
      })
      assert.equal(readFileSync(join(store.directory('one'), 'file'), 'utf8'), 'changed')
      assert.equal(readFileSync(join(store.directory('one'), 'new'), 'utf8'), 'new')
      assert.equal(readFileSync(join(store.directory('base'), 'file'), 'utf8'), 'base')
      store.mounted('two', (directory) => assert.deepEqual(readdirSync(directory), ['file']))
      store.mounted('one', (directory) =>
        assert.deepEqual(readdirSync(directory).sort(), ['file', 'new']),
      )
    })

    test('of a snapshot without parent are its own directory', () => {
      store.snapshots.prepare('key', undefined)
      store.mounted('key', (directory) => writeFileSync(join(directory, 'file'), 'x'))
      assert.deepEqual(readdirSync(store.directory('key')), ['file'])
    })

    test('of a view are read-only, on one parent and on several', () => {
      baseLayer()
      store.layer('top', 'base', (directory) => writeFileSync(join(directory, 'upper'), 'top'))
      store.snapshots.view('one', 'base')
      store.snapshots.view('two', 'top')
      for (const [key, names] of [
        ['one', ['file']],
        ['two', ['file', 'upper']],
      ] as const) {
        assert.equal(store.snapshots.stat(key).kind, 'view')
        store.mounted(key, (directory) => {
          assert.deepEqual(readdirSync(directory).sort(), names)
          assert.throws(() => writeFileSync(join(directory, 'new'), ''), { code: 'EROFS' })
          assert.throws(() => unlinkSync(join(directory, 'file')), { code: 'EROFS' })
        })
      }
    })

    test('do not show what a layer deleted or replaced', () => {
      store.layer('base', undefined, (directory) => {
        mkdirSync(join(directory, 'merged'))
        mkdirSync(join(directory, 'opaque'))
        mkdirSync(join(directory, 'gone', 'deep'), { recursive: true })
        for (const path of ['merged/a', 'merged/b', 'opaque/a', 'gone/deep/a', 'to-directory']) {
          writeFileSync(join(directory, path), 'base')
        }
      })
      store.layer('middle', 'base', (directory) => {
        mkdirSync(join(directory, 'merged'))
        whiteout(join(directory, 'merged', 'a'))
        opaqueDirectory(join(directory, 'opaque'))
        writeFileSync(join(directory, 'opaque', 'b'), 'middle')
        whiteout(join(directory, 'gone'))
        mkdirSync(join(directory, 'to-directory'))
      })
      store.layer('top', 'middle', (directory) => {
        mkdirSync(join(directory, 'merged'))
        writeFileSync(join(directory, 'merged', 'c'), 'top')
        mkdirSync(join(directory, 'gone'))
        mkdirSync(join(directory, 'opaque'))
        writeFileSync(join(directory, 'to-directory'), 'top')
      })
      const expected = ['gone', 'merged', 'merged/b', 'merged/c', 'opaque', 'opaque/b']
      store.snapshots.prepare('key', 'top')
      store.snapshots.view('view', 'top')
      for (const key of ['key', 'view']) {
        store.mounted(key, (directory) =>
          assert.deepEqual(readdirSync(directory, { recursive: true }).sort(), [
            ...expected,
            'to-directory',
          ]),
        )
      }
    })

    test('of a child do not show what was deleted in its parent', () => {
      store.layer('base', undefined, (directory) => {
        mkdirSync(join(directory, 'dir'))
        for (const path of ['dir/old', 'deleted', 'kept']) writeFileSync(join(directory, path), '')
      })
      store.snapshots.prepare('work', 'base')
      store.mounted('work', (directory) => {
        rmSync(join(directory, 'deleted'))
        rmSync(join(directory, 'dir'), { recursive: true })
        mkdirSync(join(directory, 'dir'))
        writeFileSync(join(directory, 'dir', 'new'), '')
      })
      store.snapshots.commit('worked', 'work')
      store.layer('top', 'worked', (directory) => writeFileSync(join(directory, 'upper'), ''))
      store.snapshots.prepare('key', 'top')
      store.mounted('key', (directory) =>
        assert.deepEqual(readdirSync(directory, { recursive: true }).sort(), [
          'dir',
          'dir/new',
          'kept',
          'upper',
        ]),
      )
    })

    // The root that a container sees is the snapshot's own directory, not the image's.
    test('have the root directory of the topmost layer', () => {
      store.layer('base', undefined, (directory) => chmodSync(directory, 0o1777))
      store.layer('top', 'base', (directory) => chmodSync(directory, 0o2751))
      store.snapshots.prepare('key', 'top')
      store.mounted('key', (directory) => assert.equal(statSync(directory).mode & 0o7777, 0o2751))
    })

    test('take sixty layers, and paths with any character', () => {
      const parent = `a:b,c\\d e=f\nü'"${'x'.repeat(60)}`
      const deep = openStore(make, parent)
      try {
        let top: string | undefined
        for (let index = 0; index < 60; index += 1) {
          top = deep.layer(`layer-${index}`, top, (directory) => {
            writeFileSync(join(directory, `file-${index}`), '')
            writeFileSync(join(directory, 'last'), String(index))
          })
        }
        assert.ok(top !== undefined)
        deep.snapshots.prepare('key', top)
        deep.snapshots.view('view', top)
        for (const key of ['key', 'view']) {
          deep.mounted(key, (directory) => {
            assert.equal(readdirSync(directory).length, 61)
            assert.equal(readFileSync(join(directory, 'last'), 'utf8'), '59')
          })
        }
        deep.mounted('key', (directory) => writeFileSync(join(directory, 'written'), ''))
        assert.ok(existsSync(join(deep.directory('key'), 'written')))
      } finally {
        deep.close()
      }
    })
  })
}
