import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { applyLayer } from '../../src/layer/apply-layer.ts'
import {
  base256,
  directory,
  type EntryFields,
  entry,
  file,
  gnuLong,
  hardLink,
  paxEntry,
  paxRecord,
  symlink,
  tarOf,
} from '../helpers/tar-builder.ts'
import { apply, assertRefused, linkAt, needsRoot, possible, scratchDirectory } from './scratch.ts'

const longName = `${'long/'.repeat(30)}file`

const names: [what: string, archive: Buffer, name: string][] = [
  [
    'ustar prefix',
    tarOf(file('file', 'x', { patches: [[345, 'some/prefix']] })),
    'some/prefix/file',
  ],
  ['PAX path', tarOf(file('short', 'x', { pax: [['path', longName]] })), longName],
  [
    'last of two PAX paths',
    tarOf(
      file('f', 'x', {
        pax: [
          ['path', 'a'],
          ['path', 'b'],
        ],
      }),
    ),
    'b',
  ],
  ['header name where the PAX path is empty', tarOf(file('f', 'x', { pax: [['path', '']] })), 'f'],
  ['GNU long name', tarOf(gnuLong('L', longName), file('short', 'x')), longName],
  [
    'GNU long name over PAX path',
    tarOf(gnuLong('L', 'gnu'), file('s', 'x', { pax: [['path', 'p']] })),
    'gnu',
  ],
  [
    'second of two extended headers',
    tarOf(paxEntry([['path', 'a']]), file('f', 'x', { pax: [['path', 'b']] })),
    'b',
  ],
  ['header name after a global path', tarOf(paxEntry([['path', 'g']], 'g'), file('f', 'x')), 'f'],
  [
    'GNU header whose prefix holds times',
    tarOf(file('f', 'x', { magic: 'ustar  \0', patches: [[345, '13370000000']] })),
    'f',
  ],
  ['v7', tarOf(file('f', 'x', { magic: '' })), 'f'],
  [
    'keys of Object',
    tarOf(
      file('f', 'x', {
        pax: [
          ['__proto__', 'p'],
          ['constructor', 'c'],
        ],
      }),
    ),
    'f',
  ],
  ['255 bytes', tarOf(file('s', 'x', { pax: [['path', 'n'.repeat(255)]] })), 'n'.repeat(255)],
  ['backslashes and a drive', tarOf(file('C:\\x\\..\\y', 'x')), 'C:\\x\\..\\y'],
]

for (const [what, archive, name] of names) {
  test(`name from ${what}`, (t) => {
    const { root } = apply(t, archive)
    assert.equal(readFileSync(join(root, name), 'latin1'), 'x')
  })
}

test('names and targets are bytes: what is no UTF-8 comes out as it was', (t) => {
  const name = Buffer.from([0x66, 0xff, 0xfe, 0x0a, 0x1b, 0xc3])
  const { root } = apply(
    t,
    tarOf(
      file(name, 'x'),
      symlink('link', name),
      directory(Buffer.concat([Buffer.from('d'), name])),
    ),
  )
  const found = readdirSync(Buffer.from(root), 'buffer').map((bytes) => bytes.toString('hex'))
  assert.deepEqual(
    found.sort(),
    [`64${name.toString('hex')}`, name.toString('hex'), '6c696e6b'].sort(),
  )
})

test('names that only differ in case or normal form are different files', (t) => {
  const { root } = apply(
    t,
    tarOf(file('Kelvin', '1'), file('kelvin', '2'), file('\u00e9', '3'), file('e\u0301', '4')),
  )
  assert.equal(readdirSync(root).length, 4)
  assert.equal(readFileSync(join(root, 'Kelvin'), 'latin1'), '1')
})

test('link targets: PAX linkpath and GNU long link', (t) => {
  const target = `${'t/'.repeat(80)}end`
  const { root } = apply(
    t,
    tarOf(
      symlink('pax', 's', { pax: [['linkpath', target]] }),
      gnuLong('K', target),
      symlink('gnu', 's'),
    ),
  )
  assert.equal(linkAt(join(root, 'pax')), target)
  assert.equal(linkAt(join(root, 'gnu')), target)
})

const sizes: [what: string, fields: EntryFields][] = [
  ['octal with spaces', { patches: [[124, '         3 \0']] }],
  ['octal with leading NULs', { patches: [[124, '\0\0\0\0\0\0\0\x003 \0\0']] }],
  ['base 256', { patches: [[124, base256(3n, 12)]] }],
  ['PAX', { sizeBytes: 0, pax: [['size', '3']] }],
]

for (const [what, fields] of sizes) {
  test(`size: ${what}`, (t) => {
    const { root } = apply(t, tarOf(file('f', 'abc', fields), file('next', 'n')))
    assert.equal(readFileSync(join(root, 'f'), 'latin1'), 'abc')
    assert.equal(readFileSync(join(root, 'next'), 'latin1'), 'n')
  })
}

const times: [what: string, fields: EntryFields, mtimeNs: bigint][] = [
  ['whole seconds', { mtime: 1_234_567_890 }, 1_234_567_890_000_000_000n],
  [
    'PAX with nanoseconds',
    { pax: [['mtime', '1234567890.123456789']] },
    1_234_567_890_123_456_789n,
  ],
  ['PAX with more digits', { pax: [['mtime', '1.9999999999']] }, 1_999_999_999n],
  ['PAX without a fraction', { pax: [['mtime', '12.']] }, 12_000_000_000n],
  ['before the epoch', { pax: [['mtime', '-1.5']] }, 0n],
  ['negative base 256', { patches: [[136, Buffer.alloc(12, 0xff)]] }, 0n],
  ['beyond 64 bits of nanoseconds', { pax: [['mtime', '9223372037']] }, 0n],
]

for (const [what, fields, mtimeNs] of times) {
  test(`modification time: ${what}`, (t) => {
    const { root } = apply(
      t,
      tarOf(
        directory('d', fields),
        file('f', '', fields),
        file('d/f', ''),
        symlink('s', 'f', fields),
      ),
    )
    for (const name of ['d', 'f', 's']) {
      assert.equal(lstatSync(join(root, name), { bigint: true }).mtimeNs, mtimeNs, name)
    }
  })
}

test('owners beyond octal digits', { skip: needsRoot }, (t) => {
  const { root } = apply(
    t,
    tarOf(
      file('pax', '', {
        pax: [
          ['uid', '4294967294'],
          ['gid', '3000000000'],
        ],
      }),
      file('gnu', '', { patches: [[108, base256(3_000_000_000n, 8)]] }),
    ),
  )
  assert.equal(statSync(join(root, 'pax')).uid, 4294967294)
  assert.equal(statSync(join(root, 'pax')).gid, 3_000_000_000)
  assert.equal(statSync(join(root, 'gnu')).uid, 3_000_000_000)
})

test('a v7 file whose name ends in a slash is a directory', (t) => {
  const { root } = apply(t, tarOf(entry('d/', '\0', { magic: '', mode: 0o755 })))
  assert.ok(statSync(join(root, 'd')).isDirectory())
})

test('an empty stream is an empty layer', (t) => {
  assert.equal(apply(t, Buffer.alloc(0)).applied.inodes, 1)
  assert.equal(apply(t, tarOf()).applied.inodes, 1)
})

test('header checksums of signed chars are accepted', (t) => {
  const block = tarOf(file(Buffer.from([0xff, 0xfe]), 'x'))
  const sum = Number.parseInt(block.toString('latin1', 148, 154), 8) - 512
  block.write(sum.toString(8).padStart(6, '0'), 148)
  assert.equal(readdirSync(apply(t, block).root).length, 1)
})

const whole = file('f', 'x'.repeat(600))
const refused: [what: string, archive: Buffer, message: RegExp][] = [
  ['wrong checksum', tarOf(file('f')).fill('1', 148, 152), /checksum/],
  ['cut in a header', whole.subarray(0, 300), /cut off/],
  ['cut in a body', whole.subarray(0, 900), /cut off/],
  ['cut in the padding', whole.subarray(0, whole.length - 7), /cut off/],
  ['cut in the end marker', Buffer.concat([whole, Buffer.alloc(512)]), /end marker/],
  [
    'one zero block, then more',
    Buffer.concat([whole, Buffer.alloc(512), tarOf(whole)]),
    /unexpected bytes/,
  ],
  ['bytes after the end', Buffer.concat([tarOf(whole), Buffer.from('junk')]), /unexpected bytes/],
  ['second archive after the end', Buffer.concat([tarOf(whole), tarOf(whole)]), /unexpected bytes/],
  ['size longer than the archive', tarOf(file('f', 'x', { sizeBytes: 5000 })), /cut off/],
  [
    'size of 2^63',
    tarOf(file('f', 'x', { patches: [[124, base256(1n << 63n, 12)]] })),
    /too large/,
  ],
  [
    'size of all ones',
    tarOf(file('f', 'x', { patches: [[124, Buffer.alloc(12, 0xff)]] })),
    /size is negative/,
  ],
  [
    'size with a letter',
    tarOf(file('f', 'x', { patches: [[124, '0000000000x\0']] })),
    /not an octal/,
  ],
  ['negative PAX size', tarOf(file('f', 'x', { pax: [['size', '-1']] })), /size is negative/],
  [
    'PAX size beyond doubles',
    tarOf(file('f', 'x', { pax: [['size', '9007199254740993']] })),
    /not a number in range/,
  ],
  ['PAX time of letters', tarOf(file('f', 'x', { pax: [['mtime', 'NaN']] })), /not a time/],
  ['uid of -1', tarOf(file('f', 'x', { pax: [['uid', '-1']] })), /uid -1 is out of range/],
  ['uid of 2^32-1', tarOf(file('f', 'x', { pax: [['uid', '4294967295']] })), /uid 4294967295/],
  [
    'gid of 2^32',
    tarOf(file('f', 'x', { patches: [[116, base256(1n << 32n, 8)]] })),
    /gid 4294967296/,
  ],
  [
    'PAX record without =',
    tarOf(entry('x', 'x', { body: '9 path\na\n' }), whole),
    /not key=value|length/,
  ],
  ['PAX record without a key', tarOf(entry('x', 'x', { body: '6 =ab\n' }), whole), /not key=value/],
  ['PAX record of length 0', tarOf(entry('x', 'x', { body: '0 a=b\n' }), whole), /length is wrong/],
  [
    'PAX record longer than the header',
    tarOf(entry('x', 'x', { body: '99 a=b\n' }), whole),
    /length is wrong/,
  ],
  [
    'PAX record of huge length',
    tarOf(entry('x', 'x', { body: '99999999999999999999 a=b\n' }), whole),
    /length is wrong/,
  ],
  [
    'PAX record that ends too early',
    tarOf(entry('x', 'x', { body: '5 a=bc\n' }), whole),
    /length is wrong/,
  ],
  ['NUL in a PAX path', tarOf(file('f', 'x', { pax: [['path', 'a\0b']] })), /NUL in path/],
  [
    'NUL in a libarchive key',
    tarOf(file('f', 'x', { pax: [['LIBARCHIVE.xattr.a%00b', 'v']] })),
    /NUL in a key/,
  ],
  [
    'NUL in a PAX key',
    tarOf(file('f', 'x', { pax: [['SCHILY.xattr.a\0b', 'v']] })),
    /NUL in a key/,
  ],
  [
    'extended header of 100 MB',
    tarOf(entry('x', 'x', { sizeBytes: 100_000_000 })),
    /longer than 1 MiB/,
  ],
  ['long name of 1 GB', tarOf(entry('L', 'L', { sizeBytes: 1_000_000_000 })), /longer than 1 MiB/],
  [
    'endless long names',
    tarOf(...Array.from({ length: 2200 }, () => gnuLong('L', 'n'))),
    /longer than 1 MiB/,
  ],
  ['extended header without an entry', tarOf(paxEntry([['path', 'a']])), /without an entry/],
  ['long name without an entry', Buffer.from(gnuLong('L', 'a')), /without an entry/],
  ['unknown type', tarOf(entry('f', 'Z')), /f: unknown entry type Z/],
  ['contiguous file', tarOf(entry('f', '7')), /unknown entry type 7/],
  ['type of a control character', tarOf(entry('f', '\x1b')), /unknown entry type \\x1b/],
  [
    'name of 256 bytes',
    tarOf(file('s', 'x', { pax: [['path', 'n'.repeat(256)]] })),
    /name is too long/,
  ],
  [
    'path of 5000 bytes',
    tarOf(file('s', 'x', { pax: [['path', 'dir/'.repeat(1250)]] })),
    /name is too long/,
  ],
  [
    'path 100000 deep',
    tarOf(file('s', 'x', { pax: [['path', `${'a/'.repeat(100_000)}f`]] })),
    /name is too long/,
  ],
  [
    'symlink target of 4096 bytes',
    tarOf(symlink('s', 'x', { pax: [['linkpath', 'n'.repeat(4096)]] })),
    /too long/,
  ],
  ['symlink without a target', tarOf(symlink('s', '')), /without a target/],
]

for (const [what, archive, message] of refused) {
  test(`${what}: refused`, (t) => {
    assertRefused(() => apply(t, archive), message)
  })
}

test('a path that is too deep is refused before its directories are made', (t) => {
  const scratch = scratchDirectory(t)
  const blobPath = join(scratch, 'blob')
  const root = join(scratch, 'fs')
  mkdirSync(root)
  writeFileSync(blobPath, tarOf(file('s', 'x', { pax: [['path', `${'a/'.repeat(3000)}f`]] })))
  assertRefused(() => applyLayer({ blobPath, root, ownership: possible }), /name is too long/)
  assert.deepEqual(readdirSync(root), [])
})

test('messages show controls, directions and foreign bytes as escapes', (t) => {
  const shown =
    (name: string | Buffer): ((message: RegExp) => void) =>
    (message) =>
      assertRefused(() => apply(t, tarOf(entry(name, 'Z'))), message)
  shown('a\x1b[31mb\nc')(/^a\\x1b\[31mb\\x0ac: /)
  shown('a\u202eb')(/^a\\u\{202e\}b: /)
  shown(Buffer.from([0x61, 0xff]))(/^a\\xff: /)
  shown('größe')(/^größe: /)
})

const holes = Buffer.alloc(1_000_000)
holes.write('begin', 0)
holes.write('middle', 512_000)
const packed = 'beginmiddle'
const realSize = String(holes.length)

const sparse: [form: string, archive: Buffer][] = [
  [
    'PAX 0.0',
    tarOf(
      file('f', packed, {
        pax: [
          ['GNU.sparse.size', realSize],
          ['GNU.sparse.numblocks', '2'],
          ['GNU.sparse.offset', '0'],
          ['GNU.sparse.numbytes', '5'],
          ['GNU.sparse.offset', '512000'],
          ['GNU.sparse.numbytes', '6'],
        ],
      }),
    ),
  ],
  [
    'PAX 0.1',
    tarOf(
      file('GNUSparseFile.1/f', packed, {
        pax: [
          ['GNU.sparse.size', realSize],
          ['GNU.sparse.numblocks', '2'],
          ['GNU.sparse.name', 'f'],
          ['GNU.sparse.map', '0,5,512000,6'],
        ],
      }),
    ),
  ],
  [
    'PAX 1.0',
    tarOf(
      file(
        'GNUSparseFile.1/f',
        Buffer.concat([Buffer.from('2\n0\n5\n512000\n6\n'.padEnd(512, '\0')), Buffer.from(packed)]),
        {
          pax: [
            ['GNU.sparse.major', '1'],
            ['GNU.sparse.minor', '0'],
            ['GNU.sparse.name', 'f'],
            ['GNU.sparse.realsize', realSize],
          ],
        },
      ),
    ),
  ],
  [
    'old GNU',
    tarOf(
      oldSparse(
        [
          [0, 5],
          [512_000, 6],
        ],
        holes.length,
        packed,
      ),
    ),
  ],
]

for (const [form, archive] of sparse) {
  test(`sparse file, ${form}: has its holes`, (t) => {
    const { root } = apply(t, tarOf(archive.subarray(0, -1024), file('next', 'n')))
    assert.ok(readFileSync(join(root, 'f')).equals(holes))
    assert.ok(statSync(join(root, 'f')).blocks * 512 < 100_000)
    assert.equal(readFileSync(join(root, 'next'), 'latin1'), 'n')
  })
}

test('sparse file, old GNU: map that goes on in further blocks', (t) => {
  const regions = Array.from({ length: 30 }, (_, index): [number, number] => [index * 8192, 1])
  const { root } = apply(t, tarOf(oldSparse(regions, 300_000, 'x'.repeat(30)), file('next', 'n')))
  const content = readFileSync(join(root, 'f'))
  assert.equal(content.length, 300_000)
  assert.deepEqual(
    regions.map(([offset]) => content[offset]),
    Array(30).fill(0x78),
  )
  assert.equal(readFileSync(join(root, 'next'), 'latin1'), 'n')
})

const major1: [string, string][] = [
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.minor', '0'],
]
const evilMaps: [what: string, archive: Buffer][] = [
  [
    'regions that overlap',
    tarOf(
      oldSparse(
        [
          [0, 5],
          [3, 6],
        ],
        100,
        packed,
      ),
    ),
  ],
  [
    'region beyond the file',
    tarOf(
      oldSparse(
        [
          [0, 5],
          [96, 6],
        ],
        100,
        packed,
      ),
    ),
  ],
  ['regions longer than the data', tarOf(oldSparse([[0, 50]], 100, packed))],
  [
    'negative offset',
    tarOf(
      file('f', 'x', {
        pax: [
          ['GNU.sparse.size', '9'],
          ['GNU.sparse.map', '-1,1'],
        ],
      }),
    ),
  ],
  [
    'offset without length',
    tarOf(
      file('f', 'x', {
        pax: [
          ['GNU.sparse.size', '9'],
          ['GNU.sparse.map', '1'],
        ],
      }),
    ),
  ],
  [
    'length before offset',
    tarOf(
      file('f', 'x', {
        pax: [
          ['GNU.sparse.size', '9'],
          ['GNU.sparse.numbytes', '1'],
        ],
      }),
    ),
  ],
  [
    'map of letters',
    tarOf(file('f', 'x'.padEnd(512), { pax: [...major1, ['GNU.sparse.realsize', '9']] })),
  ],
  [
    'map with a huge count',
    tarOf(
      file('f', '99999999999\n'.padEnd(512, '0\n'), {
        pax: [...major1, ['GNU.sparse.realsize', '9']],
      }),
    ),
  ],
  [
    'endless map',
    tarOf(file('f', '9'.repeat(2_000_000), { pax: [...major1, ['GNU.sparse.realsize', '9']] })),
  ],
]

for (const [what, archive] of evilMaps) {
  test(`sparse file, ${what}: refused`, (t) => {
    assertRefused(() => apply(t, archive), /sparse map|not a number/)
  })
}

test('bodies are only for files: other types with a size are followed by the next header', (t) => {
  const { root } = apply(
    t,
    tarOf(
      file('a', 'x'),
      hardLink('b', 'a', { sizeBytes: 700 }),
      directory('d', { sizeBytes: 700 }),
      file('c', 'y'),
    ),
  )
  assert.deepEqual(readdirSync(root).sort(), ['a', 'b', 'c', 'd'])
})

test('record lengths count their own digits', () => {
  assert.equal(paxRecord('a', 'b').toString(), '6 a=b\n')
  assert.equal(paxRecord('a', 'b'.repeat(93)).length, 99)
  assert.equal(paxRecord('a', 'b'.repeat(94)).length, 101)
})

function oldSparse(
  regions: readonly (readonly [number, number])[],
  size: number,
  body: string,
): Buffer {
  const slots = regions.map(([offset, length]) => octal12(offset) + octal12(length))
  const more = slots.slice(4)
  const blocks: Buffer[] = []
  for (let index = 0; index < more.length; index += 21) {
    const block = Buffer.alloc(512)
    block.write(more.slice(index, index + 21).join(''), 0, 'latin1')
    block[504] = index + 21 < more.length ? 1 : 0
    blocks.push(block)
  }
  return entry('f', 'S', {
    magic: 'ustar  \0',
    body,
    extension: Buffer.concat(blocks),
    patches: [
      [386, slots.slice(0, 4).join('').padEnd(96, '\0')],
      [482, more.length > 0 ? '\x01' : '\0'],
      [483, octal12(size)],
    ],
  })
}

function octal12(value: number): string {
  return `${value.toString(8).padStart(11, '0')}\0`
}
