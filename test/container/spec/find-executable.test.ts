import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  type ExecutableQuery,
  findExecutable,
} from '../../../src/container/spec/find-executable.ts'
import {
  openRootDirectory,
  type RootDirectory,
} from '../../../src/container/spec/root-directory.ts'

let dir: string
let root: RootDirectory

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsctr-find-'))
  for (const name of ['bin', 'usr/bin', 'work', 'bin/subdir']) {
    mkdirSync(join(dir, name), { recursive: true })
  }
  writeFileSync(join(dir, 'bin/plain'), '', { mode: 0o644 })
  writeFileSync(join(dir, 'usr/bin/plain'), '', { mode: 0o755 })
  writeFileSync(join(dir, 'bin/private'), '', { mode: 0o700 })
  writeFileSync(join(dir, 'bin/data'), '', { mode: 0o644 })
  writeFileSync(join(dir, 'work/here'), '', { mode: 0o755 })
  symlinkSync('/usr/bin/plain', join(dir, 'bin/link'))
  symlinkSync('/bin/sh', join(dir, 'bin/dangling'))
  root = openRootDirectory(dir)
})

after(() => {
  root.close()
  rmSync(dir, { recursive: true })
})

function find(program: string, over: Partial<ExecutableQuery> = {}) {
  const user = { uid: 0, gid: 0, additionalGids: [] }
  return findExecutable(root, { program, searchPath: '/bin:/usr/bin', cwd: '/work', user, ...over })
}

test('a name is searched for in PATH; what cannot be run is passed over', () => {
  assert.deepEqual(find('plain'), { kind: 'found', path: '/usr/bin/plain' })
  assert.deepEqual(find('link'), { kind: 'found', path: '/bin/link' })
  for (const name of ['data', 'subdir', 'dangling', 'nothing', '']) {
    assert.equal(find(name).kind, 'not-found', name)
  }
})

test('a path is that file or an error that says why', () => {
  assert.deepEqual(find('./here'), { kind: 'found', path: '/work/here' })
  assert.deepEqual(find('/bin/data'), {
    kind: 'not-executable',
    path: '/bin/data',
    reason: 'permission denied',
  })
  assert.deepEqual(find('../bin'), {
    kind: 'not-executable',
    path: '/bin',
    reason: 'is a directory',
  })
  assert.equal(find('/bin/nothing').kind, 'not-found')
  assert.equal(find('/bin/dangling').kind, 'not-found')
})

test('whether it can be run depends on who runs it', () => {
  const other = { uid: 5000, gid: 5000, additionalGids: [] }
  assert.equal(find('/bin/private').kind, 'found')
  assert.equal(find('/bin/private', { user: other }).kind, 'not-executable')
  assert.equal(find('/usr/bin/plain', { user: other }).kind, 'found')
})
