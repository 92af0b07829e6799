import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { MNT_DETACH, mount, umount2 } from '../../src/host/libc.ts'
import { describeTree } from '../helpers/describe-tree.ts'
import {
  directory,
  entry,
  file,
  gnuLong,
  hardLink,
  symlink,
  tarOf,
} from '../helpers/tar-builder.ts'
import { applyStack, needsRoot } from './scratch.ts'
import { unpackWithUmoci } from './unpack-with-umoci.ts'

/**
 * The merged overlay mount of layers unpacked apart must equal what umoci makes of them one over
 * the other in one directory.
 */
const at = (seconds: number): { mtime: number } => ({ mtime: seconds })
const named = (name: Buffer | string): [string, string | Buffer][] => [['path', name]]
const odd = Buffer.from([0x6f, 0xff, 0x0a, 0x20, 0xc3])

const base = tarOf(
  directory('./', { mode: 0o755, ...at(1) }),
  directory('usr/', at(2)),
  directory('usr/lib/', {
    mode: 0o750,
    uid: 3,
    gid: 4,
    ...at(3),
    pax: [['SCHILY.xattr.user.dir', 'yes']],
  }),
  file('usr/lib/libc', 'libc', at(4)),
  hardLink('usr/lib/libc.6', 'usr/lib/libc'),
  symlink('lib', 'usr/lib', at(5)),
  symlink('abs', '/usr/lib', at(5)),
  symlink('out', '../../../usr', at(5)),
  symlink('dangling', 'made/later', at(5)),
  directory('etc', at(6)),
  file('etc/passwd', 'root', {
    mode: 0o600,
    uid: 1,
    gid: 2,
    ...at(7),
    pax: [['SCHILY.xattr.user.a', 'b']],
  }),
  file('etc/shadow', 'secret', { mode: 0o4755, uid: 1, ...at(8) }),
  symlink('etc/link', 'passwd', at(8)),
  directory('var/cache', { mode: 0o1777, ...at(9) }),
  file('var/cache/old', 'old', at(10)),
  directory('var/cache/sub', { mode: 0o711, ...at(10) }),
  file('var/cache/sub/old', 'old', at(10)),
  file(odd, 'odd', at(10)),
)

const stacks: [what: string, layers: Buffer[]][] = [
  [
    'files of all kinds',
    [
      tarOf(),
      tarOf(
        directory('./', { mode: 0o711, ...at(1) }),
        directory('d', { mode: 0o2755, uid: 5, gid: 6, ...at(2) }),
        file('d/suid', 'x', { mode: 0o6755, uid: 7, gid: 8, ...at(3) }),
        file('d/cap', 'x', {
          uid: 1,
          pax: [
            [
              'SCHILY.xattr.security.capability',
              Buffer.from('0100000200200000000000000000000000000000', 'hex'),
            ],
            ['mtime', '99.123456789'],
          ],
        }),
        symlink('d/s', odd, { uid: 9, pax: [['mtime', '98.5']] }),
        entry('d/null', '3', { mode: 0o666, devMajor: 1, devMinor: 3, ...at(3) }),
        entry('d/loop', '4', { mode: 0o660, gid: 6, devMajor: 7, devMinor: 300, ...at(3) }),
        entry('d/fifo', '6', { mode: 0o600, ...at(3) }),
        hardLink('d/hard', 'd/suid', { mode: 0o777, uid: 99, ...at(77) }),
        hardLink('d/hardlink-of-symlink', 'd/s'),
        gnuLong('L', `d/${'n'.repeat(200)}`),
        file('short', 'long', at(3)),
        file('x', 'pax', { ...at(3), pax: named(`d/${'p'.repeat(240)}`) }),
        directory('implied/by/nothing/below', at(4)),
        file('a/../b', 'cleaned', at(5)),
        file('../../up', 'contained', at(5)),
        file('empty', '', { mode: 0, ...at(0) }),
      ),
    ],
  ],
  [
    'implied directories take what the layer below has',
    [
      base,
      tarOf(file('usr/lib/new', 'x', at(20)), file('var/cache/sub/new', 'x', at(20))),
      tarOf(file('var/cache/sub/third', 'x', at(21))),
    ],
  ],
  [
    'an implied directory below a changed one',
    [
      base,
      tarOf(directory('var/cache', { mode: 0o700, uid: 8, ...at(30) })),
      tarOf(file('var/cache/sub/new', 'x', at(31))),
    ],
  ],
  [
    'whiteouts of files, links and directories',
    [
      base,
      tarOf(
        file('etc/.wh.passwd'),
        file('.wh.lib'),
        file('var/.wh.cache'),
        file('etc/.wh.never-was'),
        directory('fresh', at(22)),
        file('fresh/.wh.x'),
        file(Buffer.concat([Buffer.from('.wh.'), odd])),
      ),
    ],
  ],
  [
    'what was removed comes back',
    [
      base,
      tarOf(file('var/.wh.cache'), file('.wh.lib'), file('etc/.wh.passwd')),
      tarOf(
        directory('var/cache', { mode: 0o700, ...at(40) }),
        file('var/cache/new', 'x', at(41)),
        file('etc/passwd', 'again', at(42)),
        file('lib/x', 'x', at(43)),
      ),
    ],
  ],
  [
    'removed and made in one layer',
    [
      base,
      tarOf(
        file('.wh.var'),
        directory('var', at(23)),
        directory('var/cache', at(24)),
        file('var/cache/new', 'x', at(25)),
        file('.wh.lib'),
        directory('lib', at(26)),
        file('lib/x', 'x', at(27)),
      ),
    ],
  ],
  [
    'opaque before its entries',
    [
      base,
      tarOf(
        directory('var/cache', at(23)),
        file('var/cache/.wh..wh..opq'),
        file('var/cache/sub/new', 'x', at(24)),
        file('var/cache/f', 'x', at(24)),
      ),
    ],
  ],
  [
    'opaque after its entries',
    [
      base,
      tarOf(
        directory('var/cache', at(23)),
        directory('var/cache/sub', at(22)),
        file('var/cache/sub/new', 'x', at(24)),
        file('var/cache/f', 'x', at(24)),
        file('var/cache/.wh..wh..opq'),
      ),
    ],
  ],
  [
    'opaque directory that the layer does not list',
    [base, tarOf(file('var/cache/.wh..wh..opq'), file('var/cache/f', 'x', at(24)))],
  ],
  [
    'opaque root',
    [
      base,
      tarOf(
        file('.wh..wh..opq'),
        directory('etc', at(50)),
        file('etc/new', 'x', at(51)),
        file('only', 'x', at(52)),
      ),
    ],
  ],
  [
    'opaque directory under another layer',
    [
      base,
      tarOf(directory('var/cache', at(23)), file('var/cache/.wh..wh..opq')),
      tarOf(file('var/cache/sub/new', 'x', at(24)), file('etc/.wh.link')),
    ],
  ],
  [
    'file in the place of a directory and back',
    [
      base,
      tarOf(file('var', 'x', at(25))),
      tarOf(directory('var', at(26)), file('var/f', 'x', at(27))),
    ],
  ],
  [
    'directory in the place of a symlink',
    [base, tarOf(directory('lib', at(25)), file('lib/x', 'x', at(26)))],
  ],
  [
    'symlink in the place of a directory',
    [base, tarOf(symlink('var', 'usr/lib', at(25)), file('var/x', 'x', at(26)))],
  ],
  [
    'parent is a symlink below',
    [base, tarOf(file('lib/x', 'x', at(26)), file('lib/y/z', 'z', at(27)))],
  ],
  ['parent is an absolute symlink below', [base, tarOf(file('abs/x', 'x', at(26)))]],
  [
    'parent is a symlink below that leads up and out',
    [base, tarOf(file('out/lib/x', 'x', at(26)))],
  ],
  [
    'parent is a symlink two layers below',
    [base, tarOf(file('etc/new', 'x', at(60))), tarOf(file('lib/x', 'x', at(61)))],
  ],
  [
    'same file by both names: the later wins',
    [base, tarOf(file('usr/lib/x', 'first', at(26)), file('lib/x', 'second', at(27)))],
  ],
  [
    'same file by both names, other way round',
    [base, tarOf(file('lib/x', 'first', at(26)), file('usr/lib/x', 'second', at(27)))],
  ],
  ['whiteout through a symlink below', [base, tarOf(file('lib/.wh.libc'))]],
  [
    'opaque mark through a symlink below',
    [base, tarOf(file('lib/.wh..wh..opq'), file('lib/new', 'x', at(28)))],
  ],
  [
    'symlink below, removed and used in one layer',
    [base, tarOf(file('.wh.lib'), file('lib/x', 'x', at(26)))],
  ],
  ['parent is a symlink below to nothing', [base, tarOf(file('dangling/x', 'x', at(26)))]],
  [
    'own symlink through a symlink below and up from there',
    [base, tarOf(symlink('mine', 'lib/../x', at(26)), file('mine/f', 'x', at(27)))],
  ],
  [
    'own symlink over names that are symlinks below',
    [base, tarOf(symlink('mine', 'lib/../lib', at(26)), file('mine/x', 'x', at(27)))],
  ],
  [
    'hard link to a file below',
    [
      base,
      tarOf(
        hardLink('etc/passwd2', 'etc/passwd'),
        hardLink('suid', 'etc/shadow'),
        hardLink('l', 'etc/link'),
      ),
    ],
  ],
  ['hard link through a symlink below', [base, tarOf(hardLink('copy', 'lib/libc'))]],
  [
    'hard link below, then its target replaced',
    [base, tarOf(hardLink('was', 'etc/passwd'), file('etc/passwd', 'new', at(26)))],
  ],
  [
    'hard link below, then its target removed',
    [base, tarOf(hardLink('was', 'etc/passwd'), file('etc/.wh.passwd'))],
  ],
  [
    'hard link to a file two layers below',
    [
      base,
      tarOf(file('etc/other', 'x', at(27))),
      tarOf(hardLink('copy', 'etc/passwd'), file('etc/third', 'x', at(28))),
    ],
  ],
]

const skip = needsTools()

for (const [what, layers] of stacks) {
  test(`as umoci: ${what}`, { skip }, (t) => {
    const expected = unpackWithUmoci(t, layers)
    const merged = mountMerged(
      t,
      applyStack(t, ...layers.map((layer, index) => (index % 2 === 0 ? gzipSync(layer) : layer))),
    )
    const wanted = describeTree(expected)
    assert.deepEqual(describeTree(merged, wanted), wanted)
  })
}

const refusedByBoth: [what: string, layers: Buffer[]][] = [
  ['hard link to nothing', [base, tarOf(hardLink('a', 'etc/no-such'))]],
  [
    'hard link to what a layer between removed',
    [base, tarOf(file('etc/.wh.passwd')), tarOf(hardLink('a', 'etc/passwd'))],
  ],
  ['hard link to a directory below', [base, tarOf(hardLink('a', 'etc'))]],
  ['parent is a file below', [base, tarOf(file('etc/passwd/x', 'x'))]],
]

for (const [what, layers] of refusedByBoth) {
  test(`refused, as by umoci: ${what}`, { skip }, (t) => {
    assert.throws(() => unpackWithUmoci(t, layers))
    assert.throws(() => applyStack(t, ...layers), { name: 'TsctrError', code: 'INVALID_ARGUMENT' })
  })
}

function needsTools(): string | false {
  if (needsRoot !== false) return needsRoot
  if (spawnSync('umoci', ['--version']).error !== undefined) return 'needs umoci'
  return canMountOverlay() ? false : 'cannot mount overlay here'
}

function canMountOverlay(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-merged-'))
  const [upper, lower, merged] = ['upper', 'lower', 'merged'].map((name) => join(directory, name))
  try {
    for (const path of [upper, lower, merged]) mkdirSync(path ?? '')
    mount('overlay', merged ?? '', 'overlay', 0, `lowerdir=${upper}:${lower}`)
    umount2(merged ?? '')
    return true
  } catch {
    return false
  } finally {
    for (const path of [upper, lower, merged, directory]) rmdirSync(path ?? '')
  }
}

function mountMerged(t: TestContext, rootsBaseFirst: readonly string[]): string {
  const merged = mkdtempSync(join(tmpdir(), 'tsctr-merged-'))
  // rmdir, not rm -r: if the unmount failed, a recursive delete would go through the mount.
  t.after(() => {
    umount2(merged, MNT_DETACH)
    rmdirSync(merged)
  })
  mount('overlay', merged, 'overlay', 0, `lowerdir=${rootsBaseFirst.toReversed().join(':')}`)
  return merged
}
