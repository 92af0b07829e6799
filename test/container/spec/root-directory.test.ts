import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  openRootDirectory,
  type RootDirectory,
} from '../../../src/container/spec/root-directory.ts'

let dir: string
let root: RootDirectory

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsctr-root-'))
  const rootfs = join(dir, 'rootfs')
  mkdirSync(join(rootfs, 'etc'), { recursive: true })
  writeFileSync(join(dir, 'secret'), 'of the host')
  writeFileSync(join(rootfs, 'etc/real'), 'inside')
  writeFileSync(join(rootfs, 'etc/empty'), '')
  symlinkSync('/etc/real', join(rootfs, 'etc/absolute'))
  symlinkSync('../../../../etc/real', join(rootfs, 'etc/upwards'))
  symlinkSync(join(dir, 'secret'), join(rootfs, 'etc/outside'))
  symlinkSync('../../secret', join(rootfs, 'etc/dotdot'))
  symlinkSync('loop', join(rootfs, 'etc/loop'))
  symlinkSync('/proc/self/environ', join(rootfs, 'etc/environ'))
  execFileSync('mkfifo', [join(rootfs, 'etc/fifo')])
  writeFileSync(join(rootfs, 'etc/huge'), '')
  truncateSync(join(rootfs, 'etc/huge'), 1024 ** 3)
  root = openRootDirectory(rootfs)
})

after(() => {
  root.close()
  rmSync(dir, { recursive: true })
})

test('symlinks lead to where they would from inside', () => {
  for (const name of ['/etc/real', 'etc/real', '/etc/absolute', '/etc/upwards', '/../etc/real']) {
    assert.equal(root.readFile(name)?.toString(), 'inside', name)
  }
  assert.equal(root.readFile('/etc/empty')?.length, 0)
})

// Fault list, b3 36: the files that users and groups are looked up in.
// CVE-2024-9676: /etc/passwd of an image was a symlink to a file of the host.
test('what leads outside leads nowhere', () => {
  for (const name of [
    '/etc/outside',
    '/etc/dotdot',
    '/etc/environ',
    '/etc/loop',
    '/etc/real/x',
    '/no',
  ]) {
    assert.equal(root.readFile(name), undefined, name)
    assert.equal(root.stat(name), undefined, name)
  }
  assert.equal(root.readFile(`../${'secret'}`), undefined)
})

// b3 36.
test('only regular files of a sound size are read', () => {
  assert.throws(() => root.readFile('/etc/fifo'), /fifo in the image: not a regular file/)
  assert.throws(() => root.readFile('/etc'), /not a regular file/)
  assert.throws(() => root.readFile('/etc/huge'), /larger than/)
})

test('a fifo can be looked at without waiting for its writer', () => {
  assert.equal(root.stat('/etc/fifo')?.isFIFO(), true)
  assert.equal(root.stat('/')?.isDirectory(), true)
})
