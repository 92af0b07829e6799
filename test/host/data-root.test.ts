import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { makeRootDirectory } from '../../src/host/data-root.ts'
import { needsRoot } from '../helpers/capabilities.ts'

let scratch: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tsctr-data-root-'))
})
afterEach(() => rmSync(scratch, { recursive: true, force: true }))

const mode = (path: string): number => statSync(path).mode & 0o7777

describe('makeRootDirectory', () => {
  test('makes a directory that is closed to others, whatever the umask', () => {
    const old = process.umask(0)
    try {
      makeRootDirectory(join(scratch, 'a/b/root'), '--data-root')
    } finally {
      process.umask(old)
    }
    assert.equal(mode(join(scratch, 'a/b/root')), 0o700)
    assert.equal(mode(join(scratch, 'a/b')), 0o755)
    makeRootDirectory(join(scratch, 'a/b/root'), '--data-root')
  })

  test('closes an existing directory', () => {
    mkdirSync(join(scratch, 'root'))
    chmodSync(join(scratch, 'root'), 0o755)
    makeRootDirectory(join(scratch, 'root'), '--data-root')
    assert.equal(mode(join(scratch, 'root')), 0o700)
  })

  test('follows a link of its own', () => {
    mkdirSync(join(scratch, 'disk'))
    symlinkSync('disk', join(scratch, 'root'))
    makeRootDirectory(join(scratch, 'root'), '--data-root')
    assert.equal(mode(join(scratch, 'disk')), 0o700)
  })

  test('refuses a directory that users share, and does not close it', () => {
    const shared = join(scratch, 'shared')
    mkdirSync(shared)
    chmodSync(shared, 0o1777)
    assert.throws(() => makeRootDirectory(shared, '--state-root'), {
      code: 'FAILED_PRECONDITION',
      message: `${shared}: is shared between users`,
      hint: 'set --state-root to a directory of its own',
    })
    assert.equal(mode(shared), 0o1777)
  })

  test('refuses what is no directory', () => {
    const file = join(scratch, 'file')
    writeFileSync(file, '')
    assert.throws(() => makeRootDirectory(file, '--data-root'), { code: 'FAILED_PRECONDITION' })
    assert.throws(() => makeRootDirectory(join(file, 'x'), '--data-root'), {
      message: `${file}/x: cannot be made`,
    })
  })

  // mkdir below /proc answers ENOENT, which mkdirSync with `recursive` takes for a missing parent,
  // for ever.
  test('gives up where nothing can be made', () => {
    assert.throws(() => makeRootDirectory('/proc/tsctr/root', '--data-root'), {
      code: 'FAILED_PRECONDITION',
    })
  })

  test('tells an unprivileged user what to do', { skip: needsRoot() }, () => {
    const url = new URL('../../src/host/data-root.ts', import.meta.url).href
    const script = `
      process.setuid(65534)
      for (const path of ${JSON.stringify([join(scratch, 'root'), '/root'])}) {
        try { makeRootDirectory(path, '--data-root') } catch (error) { console.log(error.message, '|', error.hint) }
      }`
    chmodSync(scratch, 0o755)
    const { stdout } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', `import { makeRootDirectory } from '${url}'; ${script}`],
      { encoding: 'utf8' },
    )
    assert.deepEqual(stdout.trim().split('\n'), [
      `${scratch}/root: not writable | run as root or set --data-root`,
      '/root: belongs to user 0 | run as that user or set --data-root',
    ])
  })
})
