import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { mountAll, mountsUnder, unmountIfMounted, unmountTree } from '../../src/host/mount.ts'
import { needsOverlay, needsRoot } from '../helpers/capabilities.ts'

let scratch: string
beforeEach(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'tsctr-mount-')))
})
afterEach(() => {
  unmountTree(scratch)
  assert.deepEqual(mountsUnder(scratch), [])
  rmSync(scratch, { recursive: true })
})

describe('mountAll', { skip: needsRoot() }, () => {
  test('binds a directory, writable', () => {
    const [source, target] = directories('source', 'target')
    mountAll([{ type: 'bind', source, options: ['rw', 'rbind'] }], target)
    writeFileSync(join(target, 'file'), 'x')
    assert.equal(readFileSync(join(source, 'file'), 'utf8'), 'x')
  })

  // mount(2) ignores every flag but MS_REC while it makes a bind.
  test('a bind is read-only, nosuid, nodev and noexec where asked', () => {
    const [source, target] = directories('source', 'target')
    const options = ['ro', 'rbind', 'nosuid', 'nodev', 'noexec']
    mountAll([{ type: 'bind', source, options }], target)
    assert.throws(() => writeFileSync(join(target, 'file'), 'x'), { code: 'EROFS' })
    writeFileSync(join(source, 'file'), 'x')
    const shown = optionsOf(target)
    for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) assert.ok(shown.includes(option))
  })

  test('what is neither a flag nor a place is data for the file system', () => {
    const [target] = directories('target')
    const options = ['nosuid', 'mode=0710', 'size=1m']
    mountAll([{ type: 'tmpfs', source: 'tmpfs', options }], target)
    const line = mountinfoOf(target)
    assert.match(line, / - tmpfs tmpfs rw,size=1024k,mode=710/)
    assert.ok(optionsOf(target).includes('nosuid'))
  })

  test('an option takes back what stood before it, and defaults changes nothing', () => {
    const [target] = directories('target')
    const options = ['ro', 'noexec', 'noatime', 'sync', 'defaults', 'rw', 'exec', 'mode=0700']
    mountAll([{ type: 'tmpfs', source: 'tmpfs', options }], target)
    assert.deepEqual(
      optionsOf(target).filter((option) => ['ro', 'noexec', 'noatime'].includes(option)),
      ['noatime'],
    )
    assert.match(mountinfoOf(target), / - tmpfs tmpfs rw,sync,.*mode=700/)
  })

  test('several lie over each other, and all go where one fails', () => {
    const [first, second, target] = directories('first', 'second', 'target')
    writeFileSync(join(second, 'seen'), '')
    const bind = (source: string) => ({ type: 'bind', source, options: ['rbind'] })
    mountAll([bind(first), bind(second)], target)
    assert.ok(existsSync(join(target, 'seen')))
    assert.deepEqual(mountsUnder(target), [target, target])
    unmountTree(target)
    assert.throws(() => mountAll([bind(first), bind(join(scratch, 'missing'))], target), {
      code: 'FAILED_PRECONDITION',
      message: `${target}: cannot mount bind`,
    })
    assert.deepEqual(mountsUnder(target), [])
  })

  test('an overlay of more layers than a page names is mounted from their directory', {
    skip: needsOverlay(),
  }, () => {
    const layers = longNamedLayers('layers: a, b\\', 60)
    const [target] = directories('target')
    const before = process.cwd()
    mountAll([overlayOf(layers)], target)
    assert.equal(process.cwd(), before)
    for (const [index] of layers.entries()) assert.ok(existsSync(join(target, `file-${index}`)))
  })

  // A process whose directory was deleted has no path to go back to.
  test('so it is from a directory that is gone', { skip: needsOverlay() }, () => {
    const layers = longNamedLayers('layers', 60)
    const [target, gone] = directories('target', 'gone')
    const before = process.cwd()
    process.chdir(gone)
    try {
      rmdirSync(gone)
      mountAll([overlayOf(layers)], target)
      assert.throws(() => process.cwd(), { code: 'ENOENT' })
    } finally {
      process.chdir(before)
    }
    assert.ok(existsSync(join(target, 'file-59')))
  })

  test('layers with nothing in common are refused in words', () => {
    const [target] = directories('target')
    const lowerdir = Array.from({ length: 30 }, (_, index) => `/${index}${'x'.repeat(200)}/fs`)
    assert.throws(
      () =>
        mountAll(
          [{ type: 'overlay', source: 'overlay', options: [`lowerdir=${lowerdir.join(':')}`] }],
          target,
        ),
      {
        code: 'UNSUPPORTED',
        message: `${target}: 30 layers are more than one mount can name`,
      },
    )
  })
})

describe('unmountIfMounted', { skip: needsRoot() }, () => {
  test('says whether there was a mount', () => {
    const [source, target] = directories('source', 'target')
    mountAll([{ type: 'bind', source, options: ['rbind'] }], target)
    assert.equal(unmountIfMounted(target), true)
    assert.equal(unmountIfMounted(target), false)
    assert.equal(unmountIfMounted(join(scratch, 'missing')), false)
  })
})

describe('mountsUnder', { skip: needsRoot() }, () => {
  test('names mounts below a directory, last first, whatever their names hold', () => {
    const [source, outer] = directories('source', 'a b\tc\\d\ne ü')
    mountAll([{ type: 'tmpfs', source: 'tmpfs', options: [] }], outer)
    const inner = join(outer, 'inner')
    mkdirSync(inner)
    mountAll([{ type: 'bind', source, options: ['rbind'] }], inner)
    assert.deepEqual(mountsUnder(scratch), [inner, outer])
    assert.deepEqual(mountsUnder(`${outer.slice(0, -1)}`), [], 'a longer name is not below')
    unmountTree(outer)
    assert.deepEqual(mountsUnder(scratch), [])
  })
})

function directories<Names extends string[]>(...names: Names): { [Index in keyof Names]: string } {
  return names.map((name) => {
    const path = join(scratch, name)
    mkdirSync(path, { recursive: true })
    return path
  }) as { [Index in keyof Names]: string }
}

function longNamedLayers(parent: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const [layer] = directories(`${parent}${'x'.repeat(80)}/${index}`)
    writeFileSync(join(layer, `file-${index}`), '')
    return layer
  })
}

function overlayOf(layers: readonly string[]) {
  const escaped = layers.map((layer) => layer.replaceAll(/[\\:,]/g, '\\$&'))
  return { type: 'overlay', source: 'overlay', options: [`lowerdir=${escaped.join(':')}`] }
}

function mountinfoOf(target: string): string {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.find((line) => line.split(' ')[4] === target) ?? ''
}

function optionsOf(target: string): string[] {
  return (mountinfoOf(target).split(' ')[5] ?? '').split(',')
}
