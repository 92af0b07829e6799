import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { mountAll, mountsUnder, unmountTree } from '../../src/host/mount.ts'
import { overlayOptions } from '../../src/snapshot/overlay-options.ts'
import { canMountOverlay } from '../../src/snapshot/overlay-probe.ts'
import { needsOverlay, needsRoot } from '../helpers/capabilities.ts'

let scratch: string
beforeEach(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'tsctr-probe-')))
})
afterEach(() => {
  unmountTree(scratch)
  rmSync(scratch, { recursive: true })
})

describe('canMountOverlay', { skip: needsRoot() }, () => {
  test('is true where overlay works, and leaves nothing', { skip: needsOverlay() }, () => {
    assert.equal(canMountOverlay(scratch), true)
    assert.deepEqual(readdirSync(scratch), [])
    assert.deepEqual(mountsUnder(scratch), [])
  })

  // A data root in a container lies on overlay, which is no upperdir for another.
  test('is false on overlay, and leaves nothing', { skip: needsOverlay() }, () => {
    const root = join(scratch, 'merged')
    mountOverlay(root)
    assert.equal(canMountOverlay(root), false)
    assert.deepEqual(readdirSync(root), [])
    assert.deepEqual(mountsUnder(scratch), [root])
  })

  test('removes what a killed process left', { skip: needsOverlay() }, () => {
    const { pid } = spawnSync('true')
    const left = join(scratch, `overlay-probe-${pid}-x`)
    mkdirSync(left)
    mountOverlay(join(left, 'merged'), left)
    const living = `overlay-probe-${process.pid}-x`
    mkdirSync(join(scratch, living))
    assert.equal(canMountOverlay(scratch), true)
    assert.deepEqual(readdirSync(scratch), [living])
    assert.deepEqual(mountsUnder(scratch), [])
  })

  test('fails where nothing can be written', () => {
    mountAll([{ type: 'tmpfs', source: 'tmpfs', options: ['ro'] }], scratch)
    assert.throws(() => canMountOverlay(scratch), { code: 'EROFS' })
  })
})

function mountOverlay(target: string, parent = scratch): void {
  const paths = ['lower', 'upper', 'work'].map((name) => join(parent, name))
  for (const path of [...paths, target]) mkdirSync(path)
  const [lower = '', upperdir = '', workdir = ''] = paths
  const options = overlayOptions({ lowerdirsTopFirst: [lower], upperdir, workdir })
  mountAll([{ type: 'overlay', source: 'overlay', options }], target)
}
