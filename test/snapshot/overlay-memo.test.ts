import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { mountAll, unmountTree } from '../../src/host/mount.ts'
import { overlayWorks } from '../../src/snapshot/overlay-memo.ts'
import { overlayOptions } from '../../src/snapshot/overlay-options.ts'
import { needsOverlay } from '../helpers/capabilities.ts'

describe('overlayWorks', { skip: needsOverlay() }, () => {
  let scratch: string
  let root: string
  let memo: string
  beforeEach(() => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), 'tsctr-memo-')))
    root = join(scratch, 'root')
    mkdirSync(root)
    memo = join(scratch, 'state', 'overlay')
  })
  afterEach(() => {
    unmountTree(scratch)
    rmSync(scratch, { recursive: true })
  })

  test('remembers a yes and does not try again', () => {
    assert.equal(overlayWorks(root, memo), true)
    assert.match(readFileSync(memo, 'utf8'), /^[0-9a-f-]{36} /)
    // A trial makes a directory in the root and takes it away, which would change its time.
    const before = statSync(root, { bigint: true }).mtimeNs
    assert.equal(overlayWorks(root, memo), true)
    assert.equal(statSync(root, { bigint: true }).mtimeNs, before)
  })

  test('tries again where the memo is of another boot, or is nonsense', () => {
    overlayWorks(root, memo)
    const right = readFileSync(memo, 'utf8')
    for (const text of [right.replace(/^./, 'x'), '', right.slice(0, 40)]) {
      writeFileSync(memo, text)
      assert.equal(overlayWorks(root, memo), true)
      assert.equal(readFileSync(memo, 'utf8'), right)
    }
  })

  test('does not take a yes for one file system as one for another, nor remembers a no', () => {
    overlayWorks(root, memo)
    const before = readFileSync(memo, 'utf8')
    const names = ['lower', 'upper', 'work'].map((name) => join(scratch, name))
    for (const path of names) mkdirSync(path)
    const [lower = '', upperdir = '', workdir = ''] = names
    const options = overlayOptions({ lowerdirsTopFirst: [lower], upperdir, workdir })
    mountAll([{ type: 'overlay', source: 'overlay', options }], root)
    assert.equal(overlayWorks(root, memo), false)
    assert.equal(readFileSync(memo, 'utf8'), before)
    unmountTree(root)
    assert.equal(overlayWorks(root, memo), true)
  })

  test('answers without a place for the memo', () => {
    writeFileSync(join(scratch, 'state'), '')
    assert.equal(overlayWorks(root, memo), true)
    assert.equal(existsSync(memo), false)
  })
})
