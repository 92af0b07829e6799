import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { type DirectoryChanges, watchDirectory } from '../../src/host/watch-directory.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-watch-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

// Longer than the runner lets a test take: what waits for it has failed.
const never = 2 ** 31 - 1
const opened: DirectoryChanges[] = []
afterEach(() => {
  for (const changes of opened.splice(0)) changes.close()
})

function open(path: string): DirectoryChanges {
  const changes = watchDirectory(path)
  opened.push(changes)
  return changes
}

function change(): void {
  writeFileSync(join(scratch, 'file'), 'x', { flag: 'a' })
}

/** Lets the watcher's events arrive: they are handled before a later file operation of the loop. */
async function settle(): Promise<void> {
  const other = open(scratch)
  change()
  await other.next(never)
}

test('a change ends the wait for it', { timeout: 20_000 }, async () => {
  const changes = open(scratch)
  setImmediate(change)
  await changes.next(never)
})

// The wake-up of a wait that was over took the mark of a change with it.
test('a change between two waits ends the second at once', { timeout: 20_000 }, async () => {
  const changes = open(scratch)
  setImmediate(change)
  await changes.next(never)
  await settle()
  await changes.next(never)
})

test('the time ends a wait, of a directory that is not there too', async () => {
  await open(scratch).next(1)
  await open(join(scratch, 'missing')).next(1)
})

test('a signal ends a wait, also one that came before', { timeout: 20_000 }, async () => {
  const changes = open(join(scratch, 'missing'))
  const abort = new AbortController()
  setImmediate(() => abort.abort())
  await changes.next(never, abort.signal)
  await changes.next(never, abort.signal)
  assert.equal(abort.signal.aborted, true)
})
