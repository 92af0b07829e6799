import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { mount } from '../../src/host/libc.ts'
import { needsOverlay, needsPrograms } from './capabilities.ts'
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

test('a process whose root lies in the directory is found and ended', {
  skip: needsOverlay() || needsPrograms('busybox'),
}, async () => {
  // A container whose monitor was killed names the directory nowhere but in its mounts.
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-leaks-'))
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(dir, name))
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
  copyFileSync(busybox, join(dir, 'lower', 'busybox'))
  const options = `lowerdir=${dir}/lower,upperdir=${dir}/upper,workdir=${dir}/work`
  mount('overlay', join(dir, 'merged'), 'overlay', 0, options)
  const words = ['--mount', 'chroot', join(dir, 'merged'), '/busybox', 'sleep', '600']
  const child = spawn('unshare', words, { env: { PATH: process.env.PATH } })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const commandLine = `/proc/${child.pid}/cmdline`
  while (!readFileSync(commandLine, 'latin1').startsWith('/busybox')) await delay(5)
  const found = usersOf(dir).join('\n')
  cleanUp(dir)
  try {
    assert.match(found, new RegExp(`^process ${child.pid}: /busybox sleep 600$`, 'm'))
    assert.equal(existsSync(dir), false)
    assert.equal(await Promise.race([ended.then(() => 'ended'), delay(5000, 'goes on')]), 'ended')
  } finally {
    child.kill('SIGKILL')
  }
})

test('what was there before is no leak', () => {
  assert.deepEqual(newSince(['nft table ip a'], ['nft table ip a', 'nft table ip b']), [
    'nft table ip b',
  ])
})
