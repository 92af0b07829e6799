import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import {
  createIngest,
  lockIngest,
  removeIngestFiles,
  tryLockIngest,
} from '../../src/content/ingest-lock.ts'
import { type IngestPaths, ingestPathsIn, makeContentLayout } from '../../src/content/layout.ts'

let root: string
let paths: IngestPaths

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-content-'))
  paths = ingestPathsIn(makeContentLayout(root), 'key')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

// A waiter gets the lock of a file that its holder removed; a newcomer makes the file anew and
// would get a lock of its own.
test('who waited while the ingest was removed holds the lock of the new one', async () => {
  const first = await lockIngest(paths)
  const waiting = lockIngest(paths)
  removeIngestFiles(paths)
  first.release()
  const second = await waiting
  assert.ok(existsSync(paths.ref))
  assert.equal(tryLockIngest(paths), undefined)
  second.release()
  tryLockIngest(paths)?.release()
})

test('waiting ends with its signal', async () => {
  const held = await lockIngest(paths)
  const controller = new AbortController()
  const waiting = lockIngest(paths, controller.signal)
  controller.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  held.release()
})

test('what is not there has no lock to take', () => {
  assert.equal(tryLockIngest(paths), undefined)
  assert.equal(existsSync(paths.directory), false)
})

// A sweep had taken the new directory for garbage; it went on removing the one made in its place.
test('a new ingest is not removed by a sweep that came between its directory and its lock', async () => {
  const source = new URL('../../src/content/ingest-lock.ts', import.meta.url).href
  const script = `
    import { mkdirSync } from 'node:fs'
    import { removeIngestFiles, tryLockIngest } from ${JSON.stringify(source)}
    const paths = ${JSON.stringify(paths)}
    mkdirSync(paths.directory)
    const lock = tryLockIngest(paths)
    console.log('locked')
    setTimeout(() => {
      removeIngestFiles(paths)
      lock.release()
    }, 200)`
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
  const sweep = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(sweep, 'exit')
  await once(sweep.stdout, 'data')
  const lock = createIngest(paths)
  assert.equal((await ended)[0], 0)
  assert.ok(existsSync(paths.ref))
  assert.equal(tryLockIngest(paths), undefined)
  lock.release()
})
