import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { mount } from '../../src/host/libc.ts'
import { needsOverlay } from './capabilities.ts'
import { cleanUp, newSince, usersOf } from './leaks.ts'

test('files and processes of a directory are found and removed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-leaks-'))
  writeFileSync(join(dir, 'left'), '')
  const byArgument = spawn('tail', ['-f', join(dir, 'left')])
  const byEnvironment = spawn('sleep', ['600'], { env: { ...process.env, HOME: dir } })
  const ended = [byArgument, byEnvironment].map(
    (child) => new Promise((resolve) => child.once('exit', resolve)),
  )
  const found = usersOf(dir).join('\n')
  assert.match(found, new RegExp(`^process ${byArgument.pid}: tail -f `, 'm'))
  assert.match(found, new RegExp(`^process ${byEnvironment.pid}: `, 'm'))
  assert.match(found, /^file .*\/left$/m)

  cleanUp(dir)
  await Promise.all(ended)
  assert.equal(existsSync(dir), false)
})

test('a mount below a directory is found and undone', { skip: needsOverlay() }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-leaks-'))
  try {
    const target = join(dir, 'mounted')
    mkdirSync(target)
    mount('tmpfs', target, 'tmpfs', 0)
    assert.deepEqual(
      usersOf(dir).filter((line) => line.startsWith('mount')),
      [`mount ${target}`],
    )
  } finally {
    cleanUp(dir)
  }
  assert.equal(existsSync(dir), false)
})

test('what was there before is no leak', () => {
  assert.deepEqual(newSince(['nft table ip a'], ['nft table ip a', 'nft table ip b']), [
    'nft table ip b',
  ])
})
