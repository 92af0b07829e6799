import assert from 'node:assert/strict'
import { lstatSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lgetxattr } from '../../src/host/libc.ts'
import { settleLayer } from '../../src/layer/settle-layer.ts'
import { directory, file, hardLink, symlink, tarOf } from '../helpers/tar-builder.ts'
import {
  apply,
  applyStack,
  assertRefused,
  isWhiteoutAt,
  linkAt,
  names,
  needsRoot,
  possible,
} from './scratch.ts'

const base = tarOf(
  directory('d', { mode: 0o2750, uid: 3, gid: 4, mtime: 100, pax: [['SCHILY.xattr.user.a', 'b']] }),
  file('d/f', 'x'.repeat(5000), {
    mode: 0o4755,
    uid: 5,
    pax: [
      ['mtime', '200.000000001'],
      ['SCHILY.xattr.user.c', 'd'],
    ],
  }),
  symlink('l', 'd'),
  file('g'),
)

test('an implied directory takes mode, owner, attributes and time of the one below', {
  skip: needsRoot,
}, (t) => {
  const [, root = ''] = applyStack(t, base, tarOf(file('d/new'), file('d/e/f')))
  const stats = statSync(join(root, 'd'))
  assert.deepEqual([stats.mode, stats.uid, stats.gid, stats.mtimeMs], [0o42750, 3, 4, 100_000])
  assert.equal(lgetxattr(join(root, 'd'), 'user.a')?.toString(), 'b')
  assert.deepEqual(
    [statSync(join(root, 'd/e')).mode, statSync(join(root, 'd/e')).uid],
    [0o40755, 0],
  )
})

test('an implied directory does not become opaque because the one below is', {
  skip: needsRoot,
}, (t) => {
  const roots = applyStack(
    t,
    base,
    tarOf(directory('d', { mode: 0o700 }), file('d/.wh..wh..opq')),
    tarOf(file('d/new')),
  )
  const path = join(roots[2] ?? '', 'd')
  assert.equal(statSync(path).mode, 0o40700)
  assert.equal(lgetxattr(path, 'trusted.overlay.opaque'), undefined)
})

const hidden: [what: string, middle: Buffer][] = [
  ['a whiteout', tarOf(file('.wh.d'))],
  ['an opaque root', tarOf(file('.wh..wh..opq'), file('x'))],
]

for (const [what, middle] of hidden) {
  test(`an implied directory behind ${what} is root's, 0755`, { skip: needsRoot }, (t) => {
    const roots = applyStack(t, base, middle, tarOf(file('d/new')))
    const { mode, uid } = statSync(join(roots[2] ?? '', 'd'))
    assert.deepEqual([mode, uid], [0o40755, 0])
  })
}

test('whiteouts that hide nothing are removed, the time of their directory stays', (t) => {
  const layer = tarOf(
    directory('d', { mtime: 50 }),
    file('d/.wh.f'),
    file('d/.wh.none'),
    file('.wh.none'),
    directory('new', { mtime: 60 }),
    file('new/.wh.f'),
  )
  const [, root = ''] = applyStack(t, base, layer)
  assert.deepEqual(names(root), ['d', 'd/f', 'new'])
  assert.ok(isWhiteoutAt(join(root, 'd/f')))
  assert.equal(statSync(join(root, 'd')).mtimeMs, 50_000)
  assert.equal(statSync(join(root, 'new')).mtimeMs, 60_000)
})

test('whiteouts of the base layer hide nothing', (t) => {
  const [root = ''] = applyStack(t, tarOf(file('d/.wh.f'), file('.wh.x'), file('.wh..wh..opq')))
  assert.deepEqual(names(root), ['d'])
})

test('an opaque root marks each name below', { skip: needsRoot }, (t) => {
  const [, root = ''] = applyStack(
    t,
    base,
    tarOf(directory('./', { mtime: 9 }), file('.wh..wh..opq'), directory('d'), file('g', 'own')),
  )
  assert.deepEqual(names(root), ['d', 'g', 'l'])
  assert.ok(isWhiteoutAt(join(root, 'l')))
  assert.ok(lstatSync(join(root, 'g')).isFile())
  assert.equal(lgetxattr(join(root, 'd'), 'trusted.overlay.opaque')?.toString(), 'y')
  assert.equal(statSync(root).mtimeMs, 9000)
})

test('a hard link to a file below copies that file up, with all it has', {
  skip: needsRoot,
}, (t) => {
  const [lower = '', root = ''] = applyStack(
    t,
    base,
    tarOf(hardLink('h', 'd/f'), hardLink('again', 'h')),
  )
  assert.deepEqual(names(root), ['again', 'd', 'd/f', 'h'])
  const was = lstatSync(join(lower, 'd/f'), { bigint: true })
  const is = lstatSync(join(root, 'h'), { bigint: true })
  assert.deepEqual(
    [is.mode, is.uid, is.size, is.mtimeNs, is.nlink],
    [was.mode, was.uid, was.size, was.mtimeNs, 3n],
  )
  assert.equal(lgetxattr(join(root, 'h'), 'user.c')?.toString(), 'd')
  assert.equal(statSync(join(root, 'd')).mode, 0o42750)
})

test('files below a symlink of a lower layer go to its target', (t) => {
  const [, root = ''] = applyStack(t, base, tarOf(file('l/new'), directory('l/e'), file('l/.wh.f')))
  assert.deepEqual(names(root), ['d', 'd/e', 'd/f', 'd/new'])
  assert.ok(isWhiteoutAt(join(root, 'd/f')))
})

test('a symlink of a lower layer never leads out of the root', (t) => {
  const evil = tarOf(
    symlink('up', '../../../../../../tmp'),
    symlink('abs', '/tmp'),
    symlink('loop', 'loop'),
  )
  const [, root = ''] = applyStack(t, evil, tarOf(file('up/a'), file('abs/b')))
  assert.deepEqual(names(root), ['tmp', 'tmp/a', 'tmp/b'])
  assertRefused(() => applyStack(t, evil, tarOf(file('loop/x'))), /too many levels/)
})

const refused: [what: string, layers: Buffer[], message: RegExp][] = [
  [
    'hard link to nothing',
    [base, tarOf(hardLink('h', 'd/none'))],
    /h: hard link to d\/none, which does not exist/,
  ],
  [
    'hard link to what was removed in between',
    [base, tarOf(file('.wh.d')), tarOf(hardLink('h', 'd/f'))],
    /does not exist/,
  ],
  ['hard link to nothing, no layer below', [tarOf(hardLink('h', 'd/f'))], /does not exist/],
  [
    'hard link before its target',
    [base, tarOf(hardLink('h', 'late'), file('late'))],
    /does not exist/,
  ],
  ['hard link to a directory below', [base, tarOf(hardLink('h', 'd'))], /to a directory/],
  ['hard link to itself, which is below', [base, tarOf(hardLink('g', 'g'))], /itself/],
  ['parent is a file below', [base, tarOf(file('g/x'))], /g\/x: its parent is not a directory/],
]

for (const [what, layers, message] of refused) {
  test(`${what}: refused`, (t) => {
    assertRefused(() => applyStack(t, ...layers), message)
  })
}

test('a symlink of the layer itself is not looked up below', (t) => {
  const [, root = ''] = applyStack(t, base, tarOf(symlink('l', 'elsewhere'), file('l/x')))
  assert.deepEqual(names(root), ['elsewhere', 'elsewhere/x', 'l'])
  assert.equal(linkAt(join(root, 'l')), 'elsewhere')
})

const uppers: [what: string, layer: Buffer][] = [
  ['plain files', tarOf(file('a', 'x'.repeat(9000)), directory('b'), hardLink('c', 'a'))],
  ['whiteouts that are removed', tarOf(file('.wh.g'), file('.wh.none'))],
  ['an opaque root', tarOf(file('.wh..wh..opq'), file('a'))],
  [
    'a layer unpacked twice',
    tarOf(file('l/x', 'x'.repeat(9000)), file('a', 'y'), file('a', 'yy'), hardLink('h', 'd/f')),
  ],
]

for (const [what, layer] of uppers) {
  test(`usage after settling is what lies on disk: ${what}`, (t) => {
    const lower = apply(t, base)
    const { root, applied } = apply(t, layer)
    const { addedInodes, addedSizeBytes } = settleLayer({
      root,
      lowerdirsTopFirst: [lower.root],
      unsettled: applied.unsettled,
      ownership: possible,
    })
    const found = {
      inodes: applied.inodes + addedInodes,
      sizeBytes: applied.sizeBytes + addedSizeBytes,
    }
    assert.deepEqual(found, usageOf(root))
  })
}

function usageOf(root: string): { inodes: number; sizeBytes: number } {
  const seen = new Set<number>()
  let sizeBytes = 0
  for (const name of ['.', ...names(root)]) {
    const stats = lstatSync(join(root, name))
    if (seen.has(stats.ino)) continue
    seen.add(stats.ino)
    if (stats.isDirectory()) sizeBytes += 4096
    else if (stats.isFile()) sizeBytes += Math.ceil(stats.size / 4096) * 4096
  }
  return { inodes: seen.size, sizeBytes }
}
