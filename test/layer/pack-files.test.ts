import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  constants,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { lgetxattr, lsetxattr, lutimesNs, mknod } from '../../src/host/libc.ts'
import { type ByteString, byteStringOf } from '../../src/layer/byte-string.ts'
import { layerFiles } from '../../src/layer/layer-files.ts'
import { type FileToPack, packFiles } from '../../src/layer/pack-files.ts'
import { walkTree } from '../../src/layer/walk-tree.ts'
import { needsPrograms } from '../helpers/capabilities.ts'
import { describeTree } from '../helpers/describe-tree.ts'
import { apply, isWhiteoutAt, names, needsRoot, scratchDirectory } from './scratch.ts'
import { unpackWithUmoci } from './unpack-with-umoci.ts'

const past = 1_600_000_000
const odd = Buffer.from([0x6f, 0xff, 0x0a, 0x20, 0xc3])

describe('packFiles', { skip: needsRoot }, () => {
  test('a tree comes out of its archive as it went in', (t) => {
    const root = makeTree(t)
    const { root: copy } = apply(t, pack(walkTree(root)))
    assert.deepEqual(describeTree(copy), describeTree(root))
    assert.equal(lstatSync(join(copy, 'a')).ino, lstatSync(join(copy, 'dir/hard')).ino)
  })

  test('umoci reads it so too', { skip: needsPrograms('umoci') }, (t) => {
    const root = makeTree(t)
    const unpacked = unpackWithUmoci(t, [pack(walkTree(root))])
    assert.deepEqual(describeTree(unpacked), describeTree(root))
  })

  test('the same tree gives the same bytes, whatever order it was made in', (t) => {
    const [one, two] = [scratchDirectory(t), scratchDirectory(t)]
    const files = ['b', 'a', 'a-b', 'a.d/x', 'a.d/y', 'z']
    for (const [root, order] of [
      [one, files],
      [two, files.toReversed()],
    ] as const) {
      mkdirSync(join(root, 'a.d'))
      for (const name of order) writeFileSync(join(root, name), name)
      for (const name of [...files, 'a.d', '.']) lutimesSync(join(root, name), past, past)
    }
    const archive = pack(walkTree(one))
    assert.deepEqual(archive, pack(walkTree(two)))
    const found = [...walkTree(one)].map(({ name }) => name)
    assert.deepEqual(found, ['', 'a', 'a-b', 'a.d', 'a.d/x', 'a.d/y', 'b', 'z'])
  })

  test('a file that shrinks, grows or goes while it is read breaks nothing', (t) => {
    const root = scratchDirectory(t)
    for (const name of ['gone', 'grows', 'last', 'shrinks']) {
      writeFileSync(join(root, name), Buffer.alloc(600_000, name))
    }
    const chunks: Buffer[] = []
    for (const chunk of packFiles(changing(walkTree(root), root), { ownership: 'apply' })) {
      chunks.push(chunk)
      // The first piece of a body has been read: its size is settled.
      if (chunk.includes('growsgrows')) writeFileSync(join(root, 'grows'), 'x', { flag: 'a' })
      if (chunk.includes('shrinksshrinks')) truncateSync(join(root, 'shrinks'), 10)
    }
    const { root: copy } = apply(t, Buffer.concat(chunks))
    assert.deepEqual(names(copy), ['grows', 'last', 'shrinks'])
    assert.equal(lstatSync(join(copy, 'grows')).size, 600_000)
    const shrunk = readFileSync(join(copy, 'shrinks'))
    assert.equal(shrunk.length, 600_000)
    assert.ok(shrunk.subarray(300_000).every((byte) => byte === 0))
    assert.deepEqual(readFileSync(join(copy, 'last')), Buffer.alloc(600_000, 'last'))
  })

  test('an attribute whose name holds an equals sign', (t) => {
    const root = scratchDirectory(t)
    lsetxattr(root, 'user.a=b%', Buffer.from('x=y\n'))
    const { root: copy } = apply(t, pack(walkTree(root)))
    assert.deepEqual(lgetxattr(copy, 'user.a=b%'), Buffer.from('x=y\n'))
  })

  test('sockets are left out', async (t) => {
    const root = scratchDirectory(t)
    writeFileSync(join(root, 'file'), '')
    const server = createServer().listen(join(root, 'socket'))
    await once(server, 'listening')
    const archive = pack(walkTree(root))
    server.close()
    assert.deepEqual(names(apply(t, archive).root), ['file'])
  })

  test('entries are changed as asked, links with them', (t) => {
    const root = scratchDirectory(t)
    writeFileSync(join(root, 'x'), 'x')
    linkSync(join(root, 'x'), join(root, 'y'))
    const archive = Buffer.concat([
      ...packFiles(walkTree(root), {
        ownership: 'apply',
        change: (entry) => ({ ...entry, name: `in/${entry.name}` as ByteString, uid: 7, gid: 8 }),
      }),
    ])
    const copy = join(apply(t, archive).root, 'in')
    assert.equal(lstatSync(join(copy, 'y')).ino, lstatSync(join(copy, 'x')).ino)
    assert.deepEqual([lstatSync(join(copy, 'x')).uid, lstatSync(join(copy, 'x')).gid], [7, 8])
  })
})

describe('walkTree', () => {
  test('a directory that becomes a symlink meanwhile leads nowhere', (t) => {
    const root = scratchDirectory(t)
    const outside = scratchDirectory(t)
    writeFileSync(join(outside, 'secret'), 'secret')
    mkdirSync(join(root, 'dir'))
    const found: string[] = []
    for (const { name } of walkTree(root)) {
      found.push(name)
      if (name !== 'dir') continue
      rmdirSync(join(root, 'dir'))
      symlinkSync(outside, join(root, 'dir'))
    }
    assert.deepEqual(found, ['', 'dir'])
  })

  test('deep trees are walked with few descriptors', (t) => {
    const root = scratchDirectory(t)
    const deep = Array.from({ length: 300 }, () => 'd').join('/')
    mkdirSync(join(root, deep), { recursive: true })
    for (let at = 'd'; at.length < 400; at += '/d') writeFileSync(join(root, at, 'z'), '')
    let most = 0
    let count = 0
    for (const { path } of walkTree(root)) {
      count += 1
      most = Math.max(most, Number(/fd\/(\d+)/.exec(path.toString())?.[1]))
    }
    assert.equal(count, 1 + 300 + 200)
    assert.ok(most < 120, `descriptor ${most}`)
  })
})

describe('layerFiles', { skip: needsRoot }, () => {
  test('whiteouts and opaque marks become names, and come back', (t) => {
    const root = scratchDirectory(t)
    mkdirSync(join(root, 'fresh/sub'), { recursive: true })
    lsetxattr(join(root, 'fresh'), 'trusted.overlay.opaque', Buffer.from('y'))
    lsetxattr(join(root, 'fresh/sub'), 'trusted.overlay.origin', Buffer.from('x'))
    lsetxattr(join(root, 'fresh/sub'), 'user.kept', Buffer.from('x'))
    mknod(join(root, 'gone'), constants.S_IFCHR)
    mknod(Buffer.concat([Buffer.from(`${root}/`), odd]), constants.S_IFCHR)
    writeFileSync(join(root, 'fresh/sub/file'), 'x')
    const listed = [...layerFiles(root)].map((file) =>
      'whiteout' in file ? `wh ${file.whiteout}` : file.name,
    )
    assert.deepEqual(listed, [
      'fresh',
      'wh fresh/.wh..wh..opq',
      'fresh/sub',
      'fresh/sub/file',
      'wh .wh.gone',
      `wh .wh.${byteStringOf(odd)}`,
    ])
    const { root: copy } = apply(t, pack(layerFiles(root)))
    assert.ok(isWhiteoutAt(join(copy, 'gone')))
    assert.match(describeTree(copy).get('./fresh/sub') ?? '', / user\.kept=78$/)
  })

  test('a name that would be read as a whiteout is refused', (t) => {
    const root = scratchDirectory(t)
    writeFileSync(join(root, '.wh.x'), '')
    assert.throws(() => [...layerFiles(root)], { code: 'INVALID_ARGUMENT', message: /^\.wh\.x: / })
  })

  test('a directory whose content lies elsewhere is refused', (t) => {
    const root = scratchDirectory(t)
    mkdirSync(join(root, 'moved'))
    lsetxattr(join(root, 'moved'), 'trusted.overlay.redirect', Buffer.from('/was'))
    assert.throws(() => [...layerFiles(root)], { code: 'UNSUPPORTED', message: /^moved: / })
  })
})

test('what an unprivileged store keeps apart is in the archive', (t) => {
  const root = scratchDirectory(t)
  writeFileSync(join(root, 'device'), '')
  writeFileSync(join(root, 'plain'), '', { mode: 0o644 })
  const recorded = {
    path: Buffer.from('device'),
    uid: 0,
    gid: 6,
    mode: constants.S_IFBLK | 0o660,
    rdev: 0x700,
    xattrs: [{ name: Buffer.from('security.capability'), value: Buffer.from('v') }],
  }
  const files = layerFiles(root, [recorded])
  const archive = Buffer.concat([...packFiles(files, { ownership: 'record' })])
  const { applied } = apply(t, archive, 'record')
  const [device] = applied.recorded
  assert.deepEqual(
    { ...device, path: byteStringOf(device?.path ?? ''), xattrs: device?.xattrs.length },
    { path: 'device', uid: 0, gid: 6, mode: constants.S_IFBLK | 0o660, rdev: 0x700, xattrs: 1 },
  )
  assert.equal(applied.recorded.length, 1, 'whoever owns `plain` on disk, it is root’s')
})

function pack(files: Parameters<typeof packFiles>[0]): Buffer {
  return Buffer.concat([...packFiles(files, { ownership: 'apply' })])
}

/** As a container would: between the look at a file and the opening of it. */
function* changing(files: Iterable<FileToPack>, root: string): Generator<FileToPack> {
  for (const file of files) {
    if (file.name === 'gone') unlinkSync(join(root, 'gone'))
    if (file.name !== '') yield file
  }
}

/** Something of everything. */
function makeTree(t: TestContext): string {
  const root = join(scratchDirectory(t), 'root')
  const at = (name: string | Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)])
  mkdirSync(root, { mode: 0o711 })
  mkdirSync(at('dir'), { mode: 0o750 })
  mkdirSync(at('sticky'))
  chmodSync(at('sticky'), 0o1777)
  mkdirSync(at('dir/empty'))
  writeFileSync(at('a'), 'a')
  linkSync(at('a'), at('dir/hard'))
  writeFileSync(at(odd), 'odd')
  writeFileSync(at('n'.repeat(255)), 'long')
  mkdirSync(at('p'.repeat(120)))
  writeFileSync(at(Buffer.concat([Buffer.from(`${'p'.repeat(120)}/`), odd])), 'long and odd')
  writeFileSync(at('big'), Buffer.alloc(700_001, 'big'))
  writeFileSync(at('block'), Buffer.alloc(512, 'x'))
  writeFileSync(at('sparse'), '')
  truncateSync(at('sparse'), 1 << 20)
  writeFileSync(at('suid'), 'x')
  lchownSync(at('suid'), 3_000_000_000, 2_500_000)
  chmodSync(at('suid'), 0o6755)
  lsetxattr(
    at('suid'),
    'security.capability',
    Buffer.from('0100000200200000000000000000000000000000', 'hex'),
  )
  lsetxattr(at('dir'), 'user.a', Buffer.from('x=y\n'))
  lsetxattr(at('a'), Buffer.concat([Buffer.from('user.'), odd]), odd)
  symlinkSync('dir/../a', at('link'))
  symlinkSync(Buffer.concat([Buffer.alloc(200, 't'), odd]), at('long-link'))
  lchownSync(at('link'), 5, 6)
  mknod(at('fifo'), constants.S_IFIFO | 0o600)
  mknod(at('null'), constants.S_IFCHR | 0o666, 1, 3)
  mknod(at('loop'), constants.S_IFBLK | 0o660, 7, 300)
  for (const [index, name] of [...walkTree(root)].map((file) => file.name).entries()) {
    const whole = at(Buffer.from(name, 'latin1'))
    const ns = BigInt(past + index) * 1_000_000_000n + (index % 2 === 0 ? 0n : 123_456_789n)
    lutimesNs(whole, ns, ns)
  }
  return root
}
