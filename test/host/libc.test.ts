import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import {
  CLONE_NEWNET,
  connectSeqpacket,
  dup2,
  lgetxattr,
  llistxattr,
  lsetxattr,
  lutimesNs,
  MNT_DETACH,
  MS_NOSUID,
  MS_RDONLY,
  memfdCreate,
  mknod,
  mount,
  NETLINK_NETFILTER,
  O_PATH,
  openat2,
  openNetlink,
  passOutputThrough,
  RESOLVE_NO_SYMLINKS,
  receiveNow,
  setns,
  shutdownSocket,
  syncfs,
  tryFlock,
  UMOUNT_NOFOLLOW,
  umount2,
  unlockFlock,
} from '../../src/host/libc.ts'
import { needsPrograms, needsRoot } from '../helpers/capabilities.ts'

const libcPath = join(import.meta.dirname, '../../src/host/libc.ts')
const { O_RDONLY, O_RDWR, O_CREAT, O_DIRECTORY } = constants

let scratch: string
let descriptors: number[]
let children: ChildProcess[]
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tsctr-libc-'))
  descriptors = []
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const fd of descriptors) closeSync(fd)
  rmSync(scratch, { recursive: true })
})

describe('errors', () => {
  test('are those of Node', () => {
    const path = join(scratch, 'missing')
    const own = thrownBy(() => lutimesNs(path, 0n, 0n))
    const nodes = thrownBy(() => chmodSync(path, 0))
    assert.equal(own.code, 'ENOENT')
    assert.equal(own.errno, nodes.errno)
    assert.equal(own.path, nodes.path)
    assert.equal(own.message, `ENOENT: no such file or directory, utimensat '${path}'`)
    assert.equal(own.syscall, 'utimensat')
  })

  test('are of the thread that made the call', async () => {
    const program = `
      const { parentPort } = require('node:worker_threads')
      import(${JSON.stringify(libcPath)}).then(({ lutimesNs, syncfs }) => {
        const codes = [() => syncfs(-1), () => lutimesNs('/missing', 0n, 0n)].map((call) => {
          try { call() } catch (error) { return error.code }
        })
        parentPort.postMessage(codes)
      })`
    const worker = new Worker(program, { eval: true })
    const [codes] = (await once(worker, 'message')) as [unknown]
    assert.deepEqual(codes, ['EBADF', 'ENOENT'])
  })

  test('say of a path with NUL what Node says: it is none', () => {
    for (const call of [
      () => lutimesNs('a\0b', 0n, 0n),
      () => mknod(Buffer.from('a\0b'), constants.S_IFIFO),
      () => llistxattr('a\0b'),
      () => memfdCreate('a\0b'),
    ]) {
      assert.throws(call, { code: 'EINVAL' })
    }
  })
})

describe('extended attributes', { skip: needsRoot() }, () => {
  test('are bytes, found by names that are bytes', () => {
    const path = file('file')
    const value = Buffer.from([0, 255, 0])
    lsetxattr(path, 'user.text', Buffer.from('text'))
    lsetxattr(path, Buffer.from('user.\xff', 'latin1'), value)
    lsetxattr(path, 'trusted.empty', Buffer.alloc(0))
    assert.equal(lgetxattr(path, 'user.text')?.toString(), 'text')
    assert.deepEqual(lgetxattr(path, Buffer.from('user.\xff', 'latin1')), value)
    assert.deepEqual(lgetxattr(path, 'trusted.empty'), Buffer.alloc(0))
    assert.deepEqual(
      llistxattr(path)
        .map((name) => name.toString('latin1'))
        .sort(),
      ['trusted.empty', 'user.text', 'user.\xff'],
    )
  })

  test('may be longer than the first guess, and many', () => {
    const path = file('file')
    for (const size of [256, 257, 1025]) {
      const value = Buffer.alloc(size, 'x')
      lsetxattr(path, 'user.long', value)
      assert.deepEqual(lgetxattr(path, 'user.long'), value)
    }
    const names = Array.from({ length: 20 }, (_, index) => `user.${index}${'n'.repeat(90)}`)
    for (const name of names) lsetxattr(path, name, Buffer.from('1'))
    assert.equal(llistxattr(path).length, 21)
  })

  test('that are missing are undefined, and none is an empty list', () => {
    assert.equal(lgetxattr(file('file'), 'user.missing'), undefined)
    assert.deepEqual(llistxattr(file('file')), [])
    assert.deepEqual(llistxattr('/proc/self/cmdline'), [])
    assert.throws(() => lgetxattr(join(scratch, 'missing'), 'user.x'), { code: 'ENOENT' })
    assert.throws(() => llistxattr(join(scratch, 'missing')), { code: 'ENOENT' })
  })

  test('of a symlink are its own', () => {
    file('target')
    const link = join(scratch, 'link')
    symlinkSync('target', link)
    lsetxattr(link, 'trusted.mark', Buffer.from('link'))
    assert.equal(lgetxattr(link, 'trusted.mark')?.toString(), 'link')
    assert.deepEqual(llistxattr(join(scratch, 'target')), [])
    assert.throws(() => lsetxattr(link, 'user.mark', Buffer.from('x')), { code: 'EPERM' })
  })
})

describe('mknod', () => {
  test('makes a fifo, less the umask', () => {
    const path = join(scratch, 'fifo')
    const before = process.umask(0o027)
    try {
      mknod(path, constants.S_IFIFO | 0o666)
    } finally {
      process.umask(before)
    }
    assert.equal(lstatSync(path).isFIFO(), true)
    assert.equal(lstatSync(path).mode & 0o777, 0o640)
    assert.throws(() => mknod(path, constants.S_IFIFO), { code: 'EEXIST' })
  })

  test('makes devices of every number', { skip: needsRoot() }, () => {
    const numbers = [
      [0, 0],
      [1, 3],
      [8, 255],
      [8, 256],
      [0xfff, 0xfffff],
    ] as const
    for (const [major, minor] of numbers) {
      const path = join(scratch, `${major}-${minor}`)
      mknod(path, constants.S_IFBLK | 0o600, major, minor)
      assert.equal(lstatSync(path).isBlockDevice(), true)
      const shown = execFileSync('stat', ['-c', '%t:%T', path], { encoding: 'utf8' })
      assert.equal(shown.trim(), `${major.toString(16)}:${minor.toString(16)}`)
    }
  })

  test('makes what overlay takes for a whiteout, at a name of bytes', { skip: needsRoot() }, () => {
    const path = Buffer.from(`${scratch}/\xff`, 'latin1')
    mknod(path, constants.S_IFCHR)
    const stats = lstatSync(path)
    assert.equal(stats.isCharacterDevice(), true)
    assert.equal(stats.rdev, 0)
  })
})

describe('lutimesNs', () => {
  test('sets nanoseconds, before the epoch too', () => {
    const path = file('file')
    const times = [
      [1_700_000_000_123_456_789n, 1_234_567_891_000_000_001n],
      [0n, 999_999_999n],
      [-1n, -1_500_000_000n],
    ] as const
    for (const [atime, mtime] of times) {
      lutimesNs(path, atime, mtime)
      const { atimeNs, mtimeNs } = lstatSync(path, { bigint: true })
      assert.deepEqual([atimeNs, mtimeNs], [atime, mtime])
    }
  })

  test('sets those of a symlink, not of its target', () => {
    const target = file('target')
    const link = join(scratch, 'link')
    symlinkSync('target', link)
    const before = statSync(target, { bigint: true }).mtimeNs
    lutimesNs(link, 5n, 6n)
    assert.equal(lstatSync(link, { bigint: true }).mtimeNs, 6n)
    assert.equal(statSync(target, { bigint: true }).mtimeNs, before)
  })
})

describe('openat2', () => {
  test('takes the directory for the root: nothing leads out of it', () => {
    writeFileSync(join(scratch, 'outside'), 'outside')
    mkdirSync(join(scratch, 'root', 'deep'), { recursive: true })
    writeFileSync(join(scratch, 'root', 'outside'), 'inside')
    symlinkSync('/outside', join(scratch, 'root', 'absolute'))
    symlinkSync('../../../../outside', join(scratch, 'root', 'deep', 'relative'))
    symlinkSync('/proc/self/root', join(scratch, 'root', 'magic'))
    const root = opened(openSync(join(scratch, 'root'), O_RDONLY | O_DIRECTORY))
    for (const path of [
      'outside',
      '/outside',
      '../outside',
      'absolute',
      'deep/relative',
      'deep/../../outside',
    ]) {
      const fd = opened(openat2(root, path, O_RDONLY))
      assert.equal(readFileSync(fd, 'utf8'), 'inside', path)
    }
    assert.throws(() => openat2(root, 'magic/etc', O_RDONLY), { code: 'ENOENT' })
    assert.throws(() => openat2(root, 'missing', O_RDONLY), {
      code: 'ENOENT',
      syscall: 'openat2',
      path: 'missing',
    })
  })

  test('follows no symlink where asked', () => {
    file('target')
    symlinkSync('target', join(scratch, 'link'))
    const root = opened(openSync(scratch, O_RDONLY | O_DIRECTORY))
    assert.throws(() => openat2(root, 'link', O_RDONLY, RESOLVE_NO_SYMLINKS), { code: 'ELOOP' })
    opened(openat2(root, 'target', O_RDONLY, RESOLVE_NO_SYMLINKS))
  })

  test('makes a file, names of bytes and descriptors that no child gets', () => {
    const root = opened(openSync(scratch, O_RDONLY | O_DIRECTORY))
    const name = Buffer.from('\xff', 'latin1')
    const fd = opened(openat2(root, name, O_RDWR | O_CREAT, undefined, 0o640))
    writeSync(fd, 'text')
    const path = Buffer.concat([Buffer.from(`${scratch}/`), name])
    assert.equal(readFileSync(path, 'utf8'), 'text')
    assert.equal(statSync(path).mode & 0o777, 0o640)
    assert.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), /^flags:\s+02/m)
    const inherited = execFileSync('ls', ['/proc/self/fd'], { encoding: 'utf8' }).trim().split('\n')
    assert.equal(inherited.includes(String(fd)), false)
  })

  test('opens what may only be named', () => {
    file('closed')
    chmodSync(join(scratch, 'closed'), 0)
    const root = opened(openSync(scratch, O_RDONLY | O_DIRECTORY))
    const fd = opened(openat2(root, 'closed', O_PATH))
    assert.equal(fstatSync(fd).ino, statSync(join(scratch, 'closed')).ino)
    assert.throws(() => readFileSync(fd), { code: 'EBADF' })
  })
})

describe('flock', () => {
  test('is shared or exclusive, and of the open file', () => {
    const path = file('lock')
    const [first, second] = [0, 0].map(() => opened(openSync(path, 'r'))) as [number, number]
    assert.equal(tryFlock(first, 'shared'), true)
    assert.equal(tryFlock(second, 'shared'), true)
    assert.equal(tryFlock(first, 'exclusive'), false)
    unlockFlock(second)
    assert.equal(tryFlock(first, 'exclusive'), true)
    assert.equal(tryFlock(second, 'shared'), false)
    unlockFlock(first)
    assert.equal(tryFlock(second, 'exclusive'), true)
    assert.throws(() => tryFlock(-1, 'shared'), { code: 'EBADF' })
  })
})

test('syncfs takes any open file, and nothing else', () => {
  syncfs(opened(openSync(file('file'), 'r')))
  assert.throws(() => syncfs(-1), { code: 'EBADF', syscall: 'syncfs' })
})

describe('SOCK_SEQPACKET', { skip: needsPrograms('perl'), timeout: 60_000 }, () => {
  test('keeps packets apart, both ways, to the end of the stream', async () => {
    const path = await listen(
      'print $c "hello"; $c->recv(my $x, 99); $c->send("got $x"); $c->close',
    )
    const fd = opened(connectSeqpacket(path))
    const into = Buffer.alloc(100)
    assert.equal(into.toString('utf8', 0, readSync(fd, into)), 'hello')
    assert.equal(receiveNow(fd, into), undefined)
    writeSync(fd, 'packet')
    assert.equal(into.toString('utf8', 0, readSync(fd, into)), 'got packet')
    assert.equal(readSync(fd, into), 0)
    assert.equal(receiveNow(fd, into), 0)
  })

  test('is taken from without waiting', async () => {
    const path = await listen('$c->send("one"); $c->send("two"); sleep 60')
    const fd = opened(connectSeqpacket(path))
    const into = Buffer.alloc(100)
    const packets: string[] = []
    while (packets.length < 2) {
      const length = receiveNow(fd, into)
      if (length === undefined) await delay(5)
      else packets.push(into.toString('utf8', 0, length))
    }
    assert.deepEqual(packets, ['one', 'two'])
    assert.equal(receiveNow(fd, into), undefined)
  })

  test('tells the other side when no more will come', async () => {
    const path = await listen('my $n = sysread($c, my $x, 99); $c->send("end $n")')
    const fd = opened(connectSeqpacket(path))
    shutdownSocket(fd, 'write')
    const into = Buffer.alloc(100)
    assert.equal(into.toString('utf8', 0, readSync(fd, into)), 'end 0')
  })

  test('is not confused by a socket whose other side is gone', async () => {
    const path = await listen('$c->close')
    const fd = opened(connectSeqpacket(path))
    assert.equal(readSync(fd, Buffer.alloc(1)), 0)
    shutdownSocket(fd, 'both')
    shutdownSocket(fd, 'both')
  })

  test('says why there is no connection, and keeps no descriptor', async () => {
    const path = await listen('sleep 60', 'SOCK_STREAM')
    const before = readdirSync('/proc/self/fd')
    assert.throws(() => connectSeqpacket(path), { code: 'EPROTOTYPE', syscall: 'connect', path })
    assert.throws(() => connectSeqpacket(join(scratch, 'missing')), { code: 'ENOENT' })
    assert.throws(() => connectSeqpacket(file('file')), { code: 'ECONNREFUSED' })
    const long = join(scratch, 'x'.repeat(108))
    assert.throws(() => connectSeqpacket(long), { code: 'ENAMETOOLONG', path: long })
    assert.deepEqual(readdirSync('/proc/self/fd'), before)
  })
})

test('memfdCreate gives a file that no directory has', () => {
  const fd = opened(memfdCreate('named'))
  writeSync(fd, 'content')
  assert.equal(readFileSync(`/proc/self/fd/${fd}`, 'utf8'), 'content')
  assert.equal(fstatSync(fd).nlink, 0)
})

test('dup2 makes a descriptor that children inherit', () => {
  const fd = opened(openSync(join(scratch, 'out'), 'w'))
  const copy = opened(openSync('/dev/null', 'w'))
  dup2(fd, copy)
  execFileSync('sh', ['-c', `echo inherited > /proc/self/fd/${copy}`])
  assert.equal(readFileSync(join(scratch, 'out'), 'utf8'), 'inherited\n')
  assert.throws(() => dup2(-1, copy), { code: 'EBADF' })
})

test('passOutputThrough leaves what is written to a terminal as it is', () => {
  const terminal = opened(openSync('/dev/ptmx', O_RDWR | constants.O_NOCTTY))
  const settings = (): string =>
    execFileSync('stty', ['-a'], { stdio: [terminal, 'pipe', 'inherit'], encoding: 'utf8' })
  assert.match(settings(), /^opost /m)
  const others = (text: string): string => text.replace(/-?opost/, '')
  const before = settings()
  passOutputThrough(terminal)
  assert.match(settings(), /^-opost /m)
  assert.equal(others(settings()), others(before))
  const noTerminal = opened(openSync('/dev/null', O_RDWR))
  assert.throws(() => passOutputThrough(noTerminal), { code: 'ENOTTY', syscall: 'tcgetattr' })
})

describe('namespaces', { skip: needsRoot() }, () => {
  test('unshare moves the thread and what it starts; setns moves it back', () => {
    const program = `
      import { execFileSync } from 'node:child_process'
      import { openSync, readlinkSync } from 'node:fs'
      const { CLONE_NEWNET, setns, unshare } = await import(${JSON.stringify(libcPath)})
      const name = () => readlinkSync('/proc/thread-self/ns/net')
      const names = [name()]
      const fd = openSync('/proc/thread-self/ns/net', 'r')
      unshare(CLONE_NEWNET)
      names.push(name(), execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).trim())
      setns(fd, CLONE_NEWNET)
      names.push(name())
      console.log(JSON.stringify(names))`
    const [before, inside, child, after] = JSON.parse(runModule(program)) as string[]
    assert.notEqual(inside, before)
    assert.equal(child, inside)
    assert.equal(after, before)
  })

  test('setns refuses what is no namespace', () => {
    const fd = opened(openSync('/dev/null', 'r'))
    assert.throws(() => setns(fd, CLONE_NEWNET), { code: 'EINVAL' })
  })

  test('openNetlink gives a socket', () => {
    const fd = opened(openNetlink(NETLINK_NETFILTER))
    assert.equal(fstatSync(fd).isSocket(), true)
    assert.throws(() => openNetlink(999), { code: 'EPROTONOSUPPORT' })
  })
})

describe('mount', { skip: needsRoot() }, () => {
  test('mounts with flags and data, and umount2 takes it away', () => {
    const target = join(scratch, 'a b')
    mkdirSync(target)
    mount('none', target, 'tmpfs', MS_NOSUID | MS_RDONLY, 'size=64k,mode=0711')
    try {
      assert.throws(() => writeFileSync(join(target, 'file'), ''), { code: 'EROFS' })
      assert.equal(statSync(target).mode & 0o777, 0o711)
      assert.match(mountLine('a\\040b'), / ro,nosuid,.* - tmpfs none .*size=64k/)
    } finally {
      umount2(target)
    }
    assert.equal(mountLine('a\\040b'), '')
    assert.throws(() => umount2(target), { code: 'EINVAL', syscall: 'umount2', path: target })
  })

  test('says what was wrong', () => {
    const missing = join(scratch, 'missing')
    const expected = { code: 'ENOENT', syscall: 'mount', path: missing }
    assert.throws(() => mount('none', missing, 'tmpfs', 0), expected)
    assert.throws(() => mount('none', scratch, 'no such type', 0), { code: 'ENODEV' })
    assert.throws(() => mount('none', scratch, 'tmpfs', 0, 'size=nonsense'), { code: 'EINVAL' })
  })

  test('in use goes only when detached, and not through a symlink', () => {
    const target = join(scratch, 'target')
    mkdirSync(target)
    mount('none', target, 'tmpfs', 0)
    const fd = openSync(join(target, 'open'), 'w')
    symlinkSync('target', join(scratch, 'link'))
    try {
      assert.throws(() => umount2(target), { code: 'EBUSY' })
      assert.throws(() => umount2(join(scratch, 'link'), MNT_DETACH | UMOUNT_NOFOLLOW), {
        code: 'EINVAL',
      })
    } finally {
      umount2(target, MNT_DETACH)
      closeSync(fd)
    }
    assert.equal(mountLine('target'), '')
  })

  test('is root’s alone', { skip: needsPrograms('setpriv') }, () => {
    const program = `
      const { mount, umount2 } = await import(${JSON.stringify(libcPath)})
      const codes = [() => mount('none', '/tmp', 'tmpfs', 0), () => umount2('/proc')].map((call) => {
        try { call() } catch (error) { return error.code }
      })
      console.log(JSON.stringify(codes))`
    const said = runModule(
      program,
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      '--inh-caps=-all',
    )
    assert.deepEqual(JSON.parse(said), ['EPERM', 'EPERM'])
  })
})

function file(name: string): string {
  const path = join(scratch, name)
  writeFileSync(path, '')
  return path
}

function opened(fd: number): number {
  descriptors.push(fd)
  return fd
}

function thrownBy(call: () => void): NodeJS.ErrnoException {
  try {
    call()
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
  throw new Error('nothing was thrown')
}

function mountLine(name: string): string {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.find((line) => line.includes(`${scratch}/${name} `)) ?? ''
}

function runModule(program: string, ...prefix: readonly string[]): string {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning']
  const [first = '', ...rest] = [...prefix, ...node, '--input-type=module', '-e', program]
  return execFileSync(first, rest, { encoding: 'utf8' })
}

/** A listening socket that serves one connection, `$c`. Node has no such server. @returns its path */
async function listen(serve: string, type = 'SOCK_SEQPACKET'): Promise<string> {
  const path = join(scratch, 'socket')
  const program = `
    use Socket; use IO::Socket; use IO::Handle; $| = 1;
    my $s = IO::Socket->new; socket($s, AF_UNIX, ${type}, 0) or die $!;
    bind($s, pack_sockaddr_un($ARGV[0])) or die $!; listen($s, 1) or die $!;
    print "ready\\n";
    my $c = IO::Socket->new; accept($c, $s) or die $!; $c->autoflush(1);
    ${serve};`
  const child = spawn('perl', ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
  return path
}
