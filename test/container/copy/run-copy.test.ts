import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CopyOutcome, type CopyTask, runCopy } from '../../../src/container/copy/run-copy.ts'
import { lgetxattr, lsetxattr, lutimesNs, mount, umount2 } from '../../../src/host/libc.ts'
import { needsPrograms, needsRoot } from '../../helpers/capabilities.ts'

let scratch = ''

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tsctr-cp-'))
})

afterEach(() => rmSync(scratch, { recursive: true, force: true }))

function at(...names: string[]): string {
  return join(scratch, ...names)
}

/** Both sides on the host: the rules are the same for every tree. */
function copy(
  from: string,
  to: string,
  options: Partial<CopyTask> & { followsLink?: boolean } = {},
): CopyOutcome {
  const { followsLink = false, ...task } = options
  const host = { kind: 'host' } as const
  const base = `${scratch}/`
  return runCopy({
    from: { kind: 'tree', place: host, path: base + from, followsLink },
    to: { kind: 'tree', place: host, path: base + to },
    owner: undefined,
    keepsXattrs: false,
    interruption: new SharedArrayBuffer(4),
    ...task,
  })
}

function listing(directory: string): string[] {
  return readdirSync(at(directory), { recursive: true, encoding: 'utf8' }).sort()
}

describe('what is copied where', () => {
  beforeEach(() => {
    mkdirSync(at('dir/sub'), { recursive: true })
    writeFileSync(at('dir/sub/file'), 'content')
    writeFileSync(at('file'), 'content')
    mkdirSync(at('there'))
  })

  test('a file under a new name, over a file, and into a directory', () => {
    assert.deepEqual(copy('file', 'new'), { copiedBytes: 2048 })
    writeFileSync(at('old'), 'old')
    copy('file', 'old')
    copy('file', 'there')
    copy('file', 'there/')
    for (const name of ['new', 'old', 'there/file']) {
      assert.equal(readFileSync(at(name), 'utf8'), 'content')
    }
    assert.deepEqual(listing('there'), ['file'])
  })

  test('a directory becomes one that is missing, and goes into one that is there', () => {
    copy('dir', 'new')
    copy('dir/.', 'new2/')
    copy('dir', 'there')
    assert.deepEqual(listing('new'), ['sub', 'sub/file'])
    assert.deepEqual(listing('new2'), ['sub', 'sub/file'])
    assert.deepEqual(listing('there'), ['dir', 'dir/sub', 'dir/sub/file'])
  })

  test('SRC/. puts what is in it beside what is there, and SRC/ does not', () => {
    writeFileSync(at('there/kept'), '')
    copy('dir/.', 'there')
    assert.deepEqual(listing('there'), ['kept', 'sub', 'sub/file'])
    copy('dir/', 'there')
    assert.ok(existsSync(at('there/dir/sub/file')))
  })

  test('no parent is made, a missing source is named', () => {
    assert.throws(() => copy('file', 'no/new'), {
      code: 'NOT_FOUND',
      message: `${at('no/new')}: its directory: no such directory`,
    })
    assert.throws(() => copy('nothing', 'new'), {
      code: 'NOT_FOUND',
      message: `${at('nothing')}: no such file or directory`,
    })
    assert.throws(() => copy('file/', 'new'), { message: `${at('file/')}: not a directory` })
    assert.equal(existsSync(at('new')), false)
  })

  test('a file does not take the place of a directory, nor a directory that of a file', () => {
    mkdirSync(at('there/file'))
    assert.throws(() => copy('file', 'there'), {
      code: 'INVALID_ARGUMENT',
      message: `${at('there/file')}: cannot replace a directory with a file`,
    })
    mkdirSync(at('dest'))
    writeFileSync(at('dest/sub'), '')
    assert.throws(() => copy('dir/.', 'dest'), {
      message: `${at('dest/sub')}: cannot replace a file with a directory`,
    })
    assert.deepEqual(listing('dest'), ['sub'])
  })

  test('a directory is merged into a link to one nowhere: that would lead out', () => {
    mkdirSync(at('elsewhere'))
    symlinkSync(at('elsewhere'), at('there/sub'))
    assert.throws(() => copy('dir/.', 'there'), {
      message: `${at('there/sub')}: cannot replace a file with a directory`,
    })
    assert.deepEqual(listing('elsewhere'), [])
  })

  test('a symlink is copied as one, and with -L as what it points to, by its own name', () => {
    symlinkSync('dir/sub/file', at('link'))
    symlinkSync('link', at('far'))
    symlinkSync('dir', at('to-dir'))
    copy('link', 'new')
    assert.equal(readlinkSync(at('new')), 'dir/sub/file')
    copy('far', 'there', { followsLink: true })
    assert.equal(readFileSync(at('there/far'), 'utf8'), 'content')
    assert.ok(lstatSync(at('there/far')).isFile())
    copy('to-dir/', 'there')
    assert.deepEqual(listing('there/to-dir'), ['sub', 'sub/file'])
    symlinkSync('loop', at('loop'))
    assert.throws(() => copy('loop', 'there', { followsLink: true }), {
      message: `${at('loop')}: too many levels of symlinks`,
    })
  })

  test('a destination that is a link is what it points to', () => {
    symlinkSync('there', at('to-there'))
    symlinkSync('there/made', at('dangling'))
    copy('file', 'to-there')
    copy('file', 'dangling')
    assert.deepEqual(listing('there'), ['file', 'made'])
    assert.equal(readlinkSync(at('dangling')), 'there/made')
  })

  test('a fifo or a device is no destination', () => {
    execFileSync('mkfifo', [at('fifo')])
    assert.throws(() => copy('file', 'fifo'), {
      message: `${at('fifo')}: must be a directory or a regular file`,
    })
  })
})

describe('what files have', { skip: needsRoot() }, () => {
  test('mode, time to the nanosecond, links, holes, nodes and names of bytes', () => {
    mkdirSync(at('dir'))
    writeFileSync(at('dir/setuid'), 'x')
    chmodSync(at('dir/setuid'), 0o4751)
    linkSync(at('dir/setuid'), at('dir/z-link'))
    symlinkSync('/no/where', at('dir/symlink'))
    const bytes = Buffer.from(`${at('dir')}/\xff\n`, 'latin1')
    writeFileSync(bytes, 'bytes')
    execFileSync('mkfifo', ['-m', '620', at('dir/fifo')])
    execFileSync('mknod', ['-m', '640', at('dir/null'), 'c', '1', '3'])
    writeFileSync(at('dir/sparse'), 'start')
    truncateSync(at('dir/sparse'), 64 * 1024 * 1024)
    lutimesNs(at('dir/symlink'), 5n, 1_600_000_000_123_456_789n)
    chmodSync(at('dir'), 0o500)
    lutimesNs(at('dir'), 5n, 1_500_000_000_987_654_321n)

    copy('dir', 'new')
    const stats = (name: string) => lstatSync(at('new', name), { bigint: true })
    assert.equal(Number(stats('setuid').mode) & 0o7777, 0o4751)
    assert.equal(stats('setuid').ino, stats('z-link').ino)
    assert.equal(stats('symlink').mtimeNs, 1_600_000_000_123_456_789n)
    assert.equal(stats('').mtimeNs, 1_500_000_000_987_654_321n)
    assert.equal(Number(stats('').mode) & 0o7777, 0o500)
    assert.ok(stats('fifo').isFIFO())
    assert.equal(Number(stats('fifo').mode) & 0o7777, 0o620)
    assert.equal(stats('null').rdev, 259n)
    assert.equal(Number(stats('null').mode) & 0o7777, 0o640)
    assert.equal(stats('sparse').size, 64n * 1024n * 1024n)
    assert.ok(stats('sparse').blocks < 2048n, `${stats('sparse').blocks} blocks`)
    assert.equal(readFileSync(at('new/sparse')).toString('utf8', 0, 5), 'start')
    const copied = Buffer.from(`${at('new')}/\xff\n`, 'latin1')
    assert.equal(readFileSync(copied, 'utf8'), 'bytes')
  })

  test('owner and attributes are given, or kept', () => {
    writeFileSync(at('file'), 'x')
    chownSync(at('file'), 1234, 5678)
    lsetxattr(at('file'), 'user.note', Buffer.from('kept'))
    copy('file', 'plain', { owner: { uid: 0, gid: 0 } })
    copy('file', 'kept', { keepsXattrs: true })
    const owner = (name: string) => [statSync(at(name)).uid, statSync(at(name)).gid]
    assert.deepEqual(owner('plain'), [0, 0])
    assert.equal(lgetxattr(at('plain'), 'user.note'), undefined)
    assert.deepEqual(owner('kept'), [1234, 5678])
    assert.equal(lgetxattr(at('kept'), 'user.note')?.toString(), 'kept')
  })

  test('a capability is kept, and outlives the change of owner', () => {
    writeFileSync(at('ping'), 'x')
    execFileSync('setcap', ['cap_net_raw=ep', at('ping')])
    copy('ping', 'copied', { owner: { uid: 7, gid: 7 } })
    const value = lgetxattr(at('copied'), 'security.capability')
    assert.deepEqual(value, lgetxattr(at('ping'), 'security.capability'))
  })
})

describe('what goes wrong', () => {
  test('a full disk is one clear line, and leaves the old file and nothing else', {
    skip: needsRoot(),
  }, () => {
    mkdirSync(at('small'))
    mkdirSync(at('dir'))
    writeFileSync(at('dir/big'), Buffer.alloc(2 * 1024 * 1024, 'x'))
    mount('tmpfs', at('small'), 'tmpfs', 0, 'size=1m')
    try {
      writeFileSync(at('small/big'), 'old')
      assert.throws(() => copy('dir/big', 'small/big'), {
        code: 'UNAVAILABLE',
        message: `${at('small/big')}: no space left on device`,
      })
      assert.throws(() => copy('dir', 'small'), { code: 'UNAVAILABLE' })
      assert.throws(() => copy('dir/.', 'small/new'), { code: 'UNAVAILABLE' })
      assert.deepEqual(listing('small'), ['big'])
      assert.equal(readFileSync(at('small/big'), 'utf8'), 'old')
    } finally {
      umount2(at('small'))
    }
  })

  test('an interrupted copy takes away what it has written', () => {
    mkdirSync(at('dir'))
    for (const name of ['a', 'b']) writeFileSync(at('dir', name), 'x')
    const interruption = new SharedArrayBuffer(4)
    new Int32Array(interruption)[0] = 1
    assert.throws(() => copy('dir', 'new', { interruption }), { message: 'interrupted' })
    assert.deepEqual(listing('.'), ['dir', 'dir/a', 'dir/b'])
  })

  test('a socket has nothing to copy: an error by itself, left out of a tree', async () => {
    const { createServer } = await import('node:net')
    mkdirSync(at('dir'))
    const server = createServer().listen(at('dir/socket'))
    try {
      assert.throws(() => copy('dir/socket', 'new'), { code: 'FAILED_PRECONDITION' })
      copy('dir', 'new')
      assert.deepEqual(listing('new'), [])
    } finally {
      server.close()
    }
  })

  test('files of the kernel would be copied as empty ones: they are refused', () => {
    const up = '../'.repeat(20)
    for (const path of ['proc/self/status', 'proc/self', 'sys/kernel']) {
      assert.throws(() => copy(up + path, 'x'), { code: 'FAILED_PRECONDITION' })
    }
  })

  test('a tree deeper than a path can be long is copied', { skip: needsPrograms('perl') }, () => {
    const depth = 1000
    const program =
      'chdir shift; for (1..1000) { mkdir "ddddd"; chdir "ddddd" or die } open F, ">leaf"'
    execFileSync('perl', ['-e', program, at()])
    copy('ddddd', 'copied')
    const found = execFileSync('find', [at('copied'), '-name', 'leaf', '-printf', '%d'], {
      encoding: 'utf8',
    })
    assert.equal(Number(found), depth)
  })
})

test('to a descriptor goes an archive that tar reads, as docker names what is in it', () => {
  mkdirSync(at('dir'))
  writeFileSync(at('dir/file'), 'x')
  const archives = [
    ['dir', ['dir/', 'dir/file']],
    ['dir/.', ['./', './file']],
    ['dir/file', ['file']],
  ] as const
  for (const [path, names] of archives) {
    const fd = openSync(at('archive'), 'w')
    const outcome = copy(path, '', { to: { kind: 'stream', fd } })
    writeSync(fd, '')
    closeSync(fd)
    const listed = execFileSync('tar', ['-tf', at('archive')], { encoding: 'utf8' })
    assert.deepEqual(
      listed
        .trim()
        .split('\n')
        .map((name) => name.replace(/^\.\/(.)/, '$1')),
      [...names.map((name) => name.replace(/^\.\/(.)/, '$1'))],
    )
    assert.equal(outcome.copiedBytes, statSync(at('archive')).size)
  }
})
