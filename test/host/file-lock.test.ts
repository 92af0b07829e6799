import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { lockFile, tryLockFile } from '../../src/host/file-lock.ts'

let scratch: string
let path: string
let children: ChildProcess[]
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tsctr-lock-'))
  path = join(scratch, 'lock')
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true })
})

describe('tryLockFile', () => {
  test('takes a free lock, and says if it is held', () => {
    const lock = tryLockFile(path)
    assert.ok(lock)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const before = readdirSync('/proc/self/fd')
    assert.equal(tryLockFile(path), undefined)
    assert.deepEqual(readdirSync('/proc/self/fd'), before)
    lock.release()
    const again = tryLockFile(path)
    assert.ok(again)
    again.release()
  })
})

describe('lockFile', { timeout: 60_000 }, () => {
  test('waits for the holder', async () => {
    const first = await lockFile(path)
    const order: string[] = []
    const second = lockFile(path).then((lock) => {
      order.push('taken')
      return lock
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    order.push('released')
    first.release()
    const lock = await second
    lock.release()
    assert.deepEqual(order, ['released', 'taken'])
  })

  test('ends its wait with the reason of the signal, and lets go of the file', async () => {
    const lock = await lockFile(path)
    const before = readdirSync('/proc/self/fd')
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    const waiting = lockFile(path, controller.signal)
    controller.abort(reason)
    await assert.rejects(waiting, reason)
    await assert.rejects(lockFile(path, AbortSignal.abort(reason)), reason)
    assert.deepEqual(readdirSync('/proc/self/fd'), before)
    lock.release()
  })

  test('says what is wrong with the path', async () => {
    await assert.rejects(lockFile(join(scratch, 'missing', 'lock')), { code: 'ENOENT' })
  })
})

describe('isOn', () => {
  test('tells whether the path is still the locked file', () => {
    mkdirSync(join(scratch, 'guarded'))
    path = join(scratch, 'guarded', 'lock')
    const lock = tryLockFile(path)
    assert.ok(lock)
    assert.equal(lock.isOn(path), true)
    renameSync(path, join(scratch, 'moved'))
    assert.equal(lock.isOn(path), false)
    assert.equal(lock.isOn(join(scratch, 'moved')), true)
    writeFileSync(path, '')
    assert.equal(lock.isOn(path), false)
    rmSync(join(scratch, 'guarded'), { recursive: true })
    writeFileSync(join(scratch, 'guarded'), '')
    assert.equal(lock.isOn(path), false)
    lock.release()
  })
})

describe('between processes', { timeout: 60_000 }, () => {
  test('one at a time holds it', async () => {
    const counter = join(scratch, 'counter')
    writeFileSync(counter, '0')
    const ends = [1, 2, 3].map(() => once(run(counter, 'count'), 'close'))
    assert.deepEqual(await Promise.all(ends), [
      [0, null],
      [0, null],
      [0, null],
    ])
    assert.equal(readFileSync(counter, 'utf8'), '90')
  })

  // A child that inherited the descriptor would hold the lock for as long as it runs.
  test('it ends with its holder, even when a child of the holder lives on', async () => {
    const holder = run('', 'hold')
    assert.ok(holder.stdout)
    const [line] = (await once(holder.stdout, 'data')) as [Buffer]
    const grandchild = Number(line.toString())
    try {
      assert.equal(tryLockFile(path), undefined)
      const waiting = lockFile(path)
      holder.kill('SIGKILL')
      const lock = await waiting
      assert.equal(lock.isOn(path), true)
      lock.release()
    } finally {
      process.kill(grandchild, 'SIGKILL')
    }
  })
})

function run(counter: string, task: string): ChildProcess {
  const program = join(import.meta.dirname, 'lock-process.ts')
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, path, counter, task],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  children.push(child)
  return child
}
