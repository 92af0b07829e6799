import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SnapshotDirectories } from '../../src/snapshot/directories.ts'

// A collection failed where another process removed a snapshot at the same time.
test('a directory that is gone already is set aside by nobody', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tsctr-directories-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const directories = new SnapshotDirectories(root)
  directories.make(1)
  directories.setAside(1)
  directories.setAside(1)
  assert.equal(readdirSync(root).length, 1)
  directories.removeSetAside()
  assert.deepEqual(readdirSync(root), [])
})
