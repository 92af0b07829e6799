import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { lgetxattr, llistxattr } from '../../src/host/libc.ts'
import { directory, entry, file, hardLink, symlink, tarOf } from '../helpers/tar-builder.ts'
import {
  apply,
  assertRefused,
  isWhiteoutAt,
  linkAt,
  names,
  needsRoot,
  scratchDirectory,
} from './scratch.ts'

const content = (root: string, name: string): string => readFileSync(join(root, name), 'latin1')
const isOpaque = (path: string): boolean =>
  lgetxattr(path, 'trusted.overlay.opaque')?.toString() === 'y'

test('all kinds of files come out with mode, owner and time', { skip: needsRoot }, (t) => {
  const owned = { uid: 1234, gid: 5678, mtime: 1_111_111_111 }
  const { root, applied } = apply(
    t,
    tarOf(
      directory('d', { ...owned, mode: 0o2750 }),
      file('d/f', 'text', { ...owned, mode: 0o4711 }),
      file('d/g', '', { ...owned, mode: 0o2000 }),
      directory('tmp', { mode: 0o1777 }),
      symlink('d/s', '../no/such', owned),
      entry('d/c', '3', { ...owned, mode: 0o666, devMajor: 1, devMinor: 3 }),
      entry('d/b', '4', { ...owned, mode: 0o660, devMajor: 259, devMinor: 70_000 }),
      entry('d/p', '6', { ...owned, mode: 0o622 }),
      hardLink('d/h', 'd/f', { mode: 0o777, uid: 1 }),
    ),
  )
  for (const name of ['d', 'd/f', 'd/g', 'd/s', 'd/c', 'd/b', 'd/p', 'd/h']) {
    const { uid, gid, mtimeMs } = lstatSync(join(root, name))
    assert.deepEqual([uid, gid, mtimeMs], [1234, 5678, 1_111_111_111_000], name)
  }
  const mode = (name: string): string => lstatSync(join(root, name)).mode.toString(8)
  assert.deepEqual(['d', 'd/f', 'd/g', 'tmp', 'd/c', 'd/b', 'd/p', 'd/h'].map(mode), [
    '42750',
    '104711',
    '102000',
    '41777',
    '20666',
    '60660',
    '10622',
    '104711',
  ])
  assert.equal(linkAt(join(root, 'd/s')), '../no/such')
  assert.equal(lstatSync(join(root, 'd/c')).rdev, 0x103)
  assert.equal(
    lstatSync(join(root, 'd/b')).rdev,
    (259 << 8) | (70_000 & 0xff) | ((70_000 & ~0xff) << 12),
  )
  assert.equal(statSync(join(root, 'd/h')).ino, statSync(join(root, 'd/f')).ino)
  assert.equal(applied.inodes, 9)
})

test('modes do not depend on the umask', { skip: needsRoot }, (t) => {
  const before = process.umask(0o077)
  t.after(() => process.umask(before))
  const { root } = apply(
    t,
    tarOf(
      file('f', '', { mode: 0o666 }),
      directory('d', { mode: 0o777 }),
      file('implied/f'),
      entry('p', '6', { mode: 0o666 }),
    ),
  )
  const mode = (name: string): number => lstatSync(join(root, name)).mode & 0o777
  assert.deepEqual(['f', 'd', 'implied', 'p', '.'].map(mode), [0o666, 0o777, 0o755, 0o666, 0o755])
})

test('attributes are kept, those that steer overlay are not', { skip: needsRoot }, (t) => {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
  const pax: [string, string | Buffer][] = [
    ['SCHILY.xattr.security.capability', capability],
    ['SCHILY.xattr.user.empty', ''],
    ['SCHILY.xattr.user.line', 'a=b\nc'],
    ['SCHILY.xattr.trusted.mine', 'yes'],
    ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
    ['SCHILY.xattr.trusted.overlay.redirect', '/etc'],
    ['SCHILY.xattr.user.overlay.opaque', 'y'],
    ['LIBARCHIVE.xattr.user.lib%20arch', Buffer.from('value').toString('base64')],
    ['LIBARCHIVE.xattr.user.line', Buffer.from('other').toString('base64')],
  ]
  const { root } = apply(
    t,
    tarOf(
      file('f', 'x', { uid: 7, pax }),
      directory('d', { pax }),
      symlink('s', 'x', {
        pax: [
          ['SCHILY.xattr.trusted.mine', 'yes'],
          ['SCHILY.xattr.user.no', 'x'],
        ],
      }),
    ),
  )
  for (const name of ['f', 'd']) {
    const path = join(root, name)
    const found = llistxattr(path).map(String).sort()
    assert.deepEqual(found, [
      'security.capability',
      'trusted.mine',
      'user.empty',
      'user.lib arch',
      'user.line',
    ])
    assert.deepEqual(lgetxattr(path, 'security.capability'), capability)
    assert.equal(lgetxattr(path, 'user.line')?.toString(), 'a=b\nc')
    assert.equal(lgetxattr(path, 'user.lib arch')?.toString(), 'value')
  }
  assert.deepEqual(llistxattr(join(root, 's')).map(String), ['trusted.mine'])
})

test('a directory keeps its time although files were written into it, removed and replaced', (t) => {
  const { root } = apply(
    t,
    tarOf(
      directory('d', { mtime: 5 }),
      file('d/a'),
      symlink('d/a', 'x'),
      file('d/.wh.gone'),
      directory('d/e', { mtime: 6 }),
      file('d/e/f'),
    ),
  )
  assert.equal(statSync(join(root, 'd')).mtimeMs, 5000)
  assert.equal(statSync(join(root, 'd/e')).mtimeMs, 6000)
})

test('the root entry gives the root its mode, owner and time', { skip: needsRoot }, (t) => {
  for (const name of ['./', '/', '.']) {
    const { root } = apply(t, tarOf(directory(name, { mode: 0o711, uid: 9, mtime: 7 }), file('f')))
    const { mode, uid, mtimeMs } = statSync(root)
    assert.deepEqual([mode & 0o7777, uid, mtimeMs], [0o711, 9, 7000])
  }
})

test('eStargz marks at the root are left out, elsewhere they are files', (t) => {
  const { root } = apply(
    t,
    tarOf(
      file('.no.prefetch.landmark', 'x'),
      file('./.prefetch.landmark', 'x'),
      file('stargz.index.json', '{}'),
      file('d/stargz.index.json', '{}'),
    ),
  )
  assert.deepEqual(names(root), ['d', 'd/stargz.index.json'])
})

const replaced: [what: string, archive: Buffer, expected: string[]][] = [
  ['file by file', tarOf(file('a', '1'), file('a', '2')), ['a']],
  ['file by directory', tarOf(file('a', '1'), directory('a'), file('a/b')), ['a', 'a/b']],
  ['full directory by file', tarOf(directory('a/b/c'), file('a/b/d'), file('a', '2')), ['a']],
  ['full directory by symlink', tarOf(file('a/b/d'), symlink('a', 'x')), ['a']],
  [
    'directory by file by directory',
    tarOf(file('a/old'), file('a', '1'), directory('a'), file('a/new')),
    ['a', 'a/new'],
  ],
  [
    'directory by directory: they become one',
    tarOf(file('a/b'), directory('a'), file('a/c')),
    ['a', 'a/b', 'a/c'],
  ],
  [
    'symlink by directory',
    tarOf(directory('t'), symlink('a', 't'), directory('a'), file('a/b')),
    ['a', 'a/b', 't'],
  ],
  ['file by device', tarOf(file('a'), entry('a', '6')), ['a']],
  ['link name by hard link', tarOf(file('a', '1'), file('b', '2'), hardLink('b', 'a')), ['a', 'b']],
]

for (const [what, archive, expected] of replaced) {
  test(`the last entry of a name wins: ${what}`, (t) => {
    const { root, applied } = apply(t, archive)
    assert.deepEqual(names(root), expected)
    const inodes = new Set(['.', ...expected].map((name) => lstatSync(join(root, name)).ino))
    assert.equal(applied.inodes, inodes.size)
  })
}

test('usage counts each file once, in blocks', (t) => {
  const { applied } = apply(
    t,
    tarOf(
      file('a', 'x'.repeat(5000)),
      hardLink('b', 'a'),
      symlink('c', 'a'),
      directory('d'),
      file('a', 'x'),
    ),
  )
  assert.equal(applied.inodes, 5)
  // root, d, the first file (held by b) and the second
  assert.equal(applied.sizeBytes, 4096 + 4096 + 8192 + 4096)
})

test('progress ends at the size of the blob', (t) => {
  const blob = gzipSync(tarOf(file('a', Buffer.alloc(1_000_000, 1))))
  const seen: number[] = []
  apply(t, blob, undefined, (bytes) => seen.push(bytes))
  assert.equal(seen.at(-1), blob.length)
})

// Whiteouts

test('a whiteout becomes a character device 0:0', (t) => {
  const { root, applied } = apply(
    t,
    tarOf(directory('d'), file('d/.wh.gone'), directory('.wh.dir')),
  )
  assert.deepEqual(names(root), ['d', 'd/gone', 'dir'])
  assert.ok(isWhiteoutAt(join(root, 'd/gone')))
  assert.ok(isWhiteoutAt(join(root, 'dir')))
  assert.equal(applied.inodes, 4)
})

const opaque: [what: string, archive: Buffer, isMarked: boolean][] = [
  [
    'opaque mark before the entries',
    tarOf(directory('d'), file('d/.wh..wh..opq'), file('d/f', 'x')),
    true,
  ],
  [
    'opaque mark after the entries',
    tarOf(directory('d'), file('d/f', 'x'), file('d/.wh..wh..opq')),
    true,
  ],
  [
    'opaque mark in a directory that is not listed',
    tarOf(file('d/f', 'x'), file('d/.wh..wh..opq')),
    true,
  ],
  ['whiteout, then the directory', tarOf(file('.wh.d'), directory('d'), file('d/f', 'x')), true],
  ['whiteout, then a file in the directory', tarOf(file('.wh.d'), file('d/f', 'x')), true],
  ['directory, then its whiteout', tarOf(directory('d'), file('d/f', 'x'), file('.wh.d')), true],
  ['file, then a directory', tarOf(file('d'), directory('d'), file('d/f', 'x')), true],
  [
    'opaque mark, then whiteout inside',
    tarOf(file('d/.wh..wh..opq'), file('d/f', 'x'), file('d/.wh.g')),
    true,
  ],
  [
    'whiteout inside, then opaque mark',
    tarOf(file('d/.wh.g'), file('d/f', 'x'), file('d/.wh..wh..opq')),
    true,
  ],
  ['directory listed twice', tarOf(directory('d'), file('d/f', 'x'), directory('d')), false],
]

for (const [what, archive, isMarked] of opaque) {
  test(`${what}: directory is ${isMarked ? '' : 'not '}opaque, own files stay`, {
    skip: needsRoot,
  }, (t) => {
    const { root } = apply(t, archive)
    assert.equal(isOpaque(join(root, 'd')), isMarked)
    assert.deepEqual(names(root), ['d', 'd/f'])
    assert.equal(content(root, 'd/f'), 'x')
  })
}

test('a file that a whiteout of the same layer names stays, in either order', (t) => {
  const { root } = apply(t, tarOf(file('.wh.a'), file('a', 'x'), file('b', 'x'), file('.wh.b')))
  assert.deepEqual(names(root), ['a', 'b'])
  assert.equal(content(root, 'a') + content(root, 'b'), 'xx')
})

test('names that AUFS kept for itself are left out', (t) => {
  const { root } = apply(
    t,
    tarOf(directory('.wh..wh.plnk'), file('.wh..wh.aufs'), file('d/.wh..wh.orph')),
  )
  assert.deepEqual(names(root), [])
})

test('a directory may be called like a whiteout', (t) => {
  assert.deepEqual(names(apply(t, tarOf(file('.wh.etc/f', 'x'))).root), ['.wh.etc', '.wh.etc/f'])
})

for (const name of ['.wh.', '.wh..', '.wh...', 'd/.wh.', 'd/.wh..', 'd/.wh...', '.wh./']) {
  test(`whiteout ${name}: refused`, (t) => {
    assertRefused(
      () => apply(t, tarOf(directory('d'), file('d/f'), file(name))),
      /does not name a file/,
    )
  })
}

// Links

const refused: [what: string, archive: Buffer, message: RegExp][] = [
  ['hard link to itself', tarOf(file('a'), hardLink('a', 'a')), /itself/],
  [
    'hard link to itself by another path',
    tarOf(file('d/a'), symlink('s', 'd'), hardLink('s/a', 'd/a')),
    /itself/,
  ],
  ['hard link to a directory', tarOf(directory('d'), hardLink('a', 'd')), /to a directory/],
  ['hard link to the root', tarOf(hardLink('a', '/')), /to a directory/],
  ['hard link to a whiteout', tarOf(file('.wh.a'), hardLink('b', 'a')), /does not exist/],
  [
    'hard link into an opaque directory',
    tarOf(file('d/.wh..wh..opq'), hardLink('b', 'd/a')),
    /does not exist/,
  ],
  [
    'hard link that replaces the directory of its target',
    tarOf(file('d/a'), hardLink('d', 'd/a')),
    /does not exist/,
  ],
  ['parent is a file', tarOf(file('a'), file('a/b')), /a\/b: its parent is not a directory/],
  ['parent is a fifo', tarOf(entry('a', '6'), file('a/b')), /parent is not a directory/],
  [
    'parent is a loop of symlinks',
    tarOf(symlink('a', 'b'), symlink('b', 'a'), file('a/x')),
    /too many levels/,
  ],
  ['root as a symlink', tarOf(symlink('./', '/etc')), /root is not a directory/],
  ['root as a file', tarOf(file('/', 'x')), /root is not a directory/],
  [
    'root as a device',
    tarOf(entry('.', '3', { devMajor: 1, devMinor: 3 })),
    /root is not a directory/,
  ],
  [
    'device number too large',
    tarOf(entry('a', '3', { devMajor: 5000, devMinor: 3 })),
    /out of range/,
  ],
]

for (const [what, archive, message] of refused) {
  test(`${what}: refused`, (t) => {
    assertRefused(() => apply(t, archive), message)
  })
}

test('a hard link may lie in any directory and be a link to a symlink', (t) => {
  const { root } = apply(
    t,
    tarOf(file('f', 'x'), symlink('s', 'f'), hardLink('d/e/l', './f'), hardLink('t', 's')),
  )
  assert.equal(statSync(join(root, 'd/e/l')).nlink, 2)
  assert.equal(linkAt(join(root, 't')), 'f')
})

const badXattrs: [what: string, key: string][] = [
  ['capability that is none', 'security.capability'],
  ['name too long', `user.${'n'.repeat(300)}`],
  ['empty name', ''],
]

for (const [what, key] of badXattrs) {
  test(`attribute, ${what}: refused`, { skip: needsRoot }, (t) => {
    const pax: [string, string][] = [[`SCHILY.xattr.${key}`, 'x']]
    assertRefused(() => apply(t, tarOf(file('a', '', { pax }))), /a: extended attribute/)
    assertRefused(() => apply(t, tarOf(directory('a', { pax }))), /a: extended attribute/)
  })
}

test('a device 0:0 of the layer is left out: overlay would take it for a whiteout', (t) => {
  const { root } = apply(t, tarOf(entry('hidden', '3', { devMajor: 0, devMinor: 0 }), file('f')))
  assert.deepEqual(names(root), ['f'])
})

// Ways out of the root. Each archive is written next to a canary that must not change.

const breakouts: [what: string, archive: (canary: string) => Buffer, inside?: string][] = [
  ['absolute name', (c) => tarOf(file(`${c}/f`, 'x'))],
  ['many slashes', () => tarOf(file('////etc/x', 'x')), 'etc/x'],
  ['dots up', () => tarOf(file('../../../etc/x', 'x')), 'etc/x'],
  ['dots in the middle', () => tarOf(file('a/../../x', 'x')), 'x'],
  ['dots at the end', () => tarOf(directory('a/b/..'), file('x', 'x')), 'x'],
  ['name of only dots', () => tarOf(file('..', 'x'), file('x', 'x')), 'x'],
  ['sibling of the root', () => tarOf(file('../fs2/x', 'x')), 'fs2/x'],
  [
    'absolute symlink as parent',
    () => tarOf(directory('etc'), symlink('l', '/etc'), file('l/x', 'x')),
    'etc/x',
  ],
  [
    'relative symlink as parent',
    () => tarOf(directory('etc'), symlink('l', '../../../../etc'), file('/l/x', 'x')),
    'etc/x',
  ],
  ['symlink to the root', () => tarOf(symlink('l', '/'), file('l/etc/x', 'x')), 'etc/x'],
  [
    'symlink up and out',
    () => tarOf(directory('etc'), directory('d'), symlink('l', '/d/../etc'), file('l/x', 'x')),
    'etc/x',
  ],
  [
    'chain of symlinks',
    () => tarOf(directory('d'), symlink('/d/a', '/etc'), symlink('l', './d/a'), file('l/x', 'x')),
    'etc/x',
  ],
  [
    'symlink out of a directory below',
    () => tarOf(symlink('d/e/l', '../../../../../etc'), file('d/e/l/x', 'x')),
    'etc/x',
  ],
  ['symlink to nothing', () => tarOf(symlink('l', '/no/such'), file('l/x', 'x')), 'no/such/x'],
  [
    'symlink named ..',
    () => tarOf(directory('etc'), file('etc/x', 'x'), symlink('..', '/etc/')),
    'etc/x',
  ],
  ['symlink without a name', () => tarOf(file('etc/x', 'x'), symlink('', '/etc/')), 'etc/x'],
  [
    'symlink behind a dot-dot',
    () => tarOf(file('etc/x', 'x'), symlink('l/sub/..', '/etc/'), hardLink('/l/y', '/etc/x')),
    'etc/y',
  ],
  [
    'directory in the place of a symlink',
    (c) => tarOf(symlink('l', c), directory('l'), file('l/f', 'x')),
    'l/f',
  ],
  [
    'symlink in the place of a directory',
    () => tarOf(directory('l'), file('l/old'), symlink('l', '/etc'), file('l/x', 'x')),
    'etc/x',
  ],
  ['file through a symlink to a file', (c) => tarOf(symlink('l', `${c}/f`), file('l', 'x')), 'l'],
  [
    'directory over a symlink',
    (c) => tarOf(symlink('l', c), directory('l', { mode: 0o700, uid: 5 }), file('x', 'x')),
    'x',
  ],
  ['hard link up', () => tarOf(file('etc/x', 'x'), hardLink('l', '../../../../../etc/x')), 'l'],
  [
    'hard link through an absolute symlink',
    () => tarOf(file('etc/x', 'x'), symlink('s', '/etc'), hardLink('l', '/s/x')),
    'l',
  ],
  [
    'hard link through a symlink up',
    () => tarOf(file('etc/x', 'x'), symlink('b/d', '../../etc'), hardLink('b/l', '/b/d/x')),
    'b/l',
  ],
  [
    'hard link to a symlink, then its target written',
    (c) => tarOf(symlink('s', `${c}/f`), hardLink('l', 's'), file('l', 'x')),
    'l',
  ],
  [
    'hard link named like a symlink of the host',
    (c) =>
      tarOf(symlink(`${c}/s`, `${c}/f`), hardLink('l', `${c}/s`, { mode: 0o777 }), file('x', 'x')),
    'x',
  ],
  [
    'symlink with modes, owners and attributes',
    (c) =>
      tarOf(
        symlink('l', `${c}/f`, {
          mode: 0o4777,
          uid: 3,
          mtime: 1,
          pax: [['SCHILY.xattr.trusted.a', 'b']],
        }),
        file('x', 'x'),
      ),
    'x',
  ],
  [
    'whiteout through a symlink',
    (c) => tarOf(symlink('l', c), file('l/.wh.f'), file('x', 'x')),
    'x',
  ],
  [
    'opaque mark through a symlink',
    (c) => tarOf(symlink('l', c), file('l/.wh..wh..opq'), file('x', 'x')),
    'x',
  ],
  ['whiteout behind dots', () => tarOf(file('d/../.wh.etc'), file('x', 'x')), 'x'],
]

for (const [what, archive, inside] of breakouts) {
  test(`stays inside the root: ${what}`, { skip: needsRoot }, (t) => {
    const canary = scratchDirectory(t)
    writeFileSync(join(canary, 'f'), 'canary', { mode: 0o640 })
    symlinkSync('f', join(canary, 's'))
    const look = (): unknown =>
      ['.', 'f', 's'].map((name) => {
        const { mode, uid, nlink, mtimeNs, ctimeNs } = lstatSync(join(canary, name), {
          bigint: true,
        })
        return [mode, uid, nlink, mtimeNs, ctimeNs, readdirSync(canary)]
      })
    const before = look()
    const { root } = apply(t, archive(canary))
    assert.deepEqual(look(), before)
    assert.equal(content(canary, 'f'), 'canary')
    assert.equal(readdirSync(join(root, '..')).length, 2)
    if (inside !== undefined) assert.equal(content(root, inside), 'x')
    else assert.ok(existsSync(join(root, canary, 'f')))
  })
}
