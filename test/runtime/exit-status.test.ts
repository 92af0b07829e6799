import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readExitStatus } from '../../src/runtime/exit-status.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-exit-'))
after(() => rmSync(scratch, { recursive: true, force: true }))
const path = join(scratch, 'exit')

test('the code is what conmon wrote, the time is when', () => {
  const finishedAt = new Date('2026-11-24T05:01:06.500Z')
  for (const [text, code] of [
    ['0', 0],
    ['137', 137],
    ['3\n', 3],
    // Killed by conmon itself, after --timeout.
    ['-1', 137],
  ] as const) {
    writeFileSync(path, text)
    utimesSync(path, finishedAt, finishedAt)
    assert.deepEqual(readExitStatus(path), { code, finishedAt })
  }
})

// conmon makes the file before it writes to it, and may be killed in between.
test('a file without a code says nothing', () => {
  for (const text of ['', '\n', 'x', '1 2']) {
    writeFileSync(path, text)
    assert.equal(readExitStatus(path), undefined, JSON.stringify(text))
  }
})

test('no file says nothing', () => {
  assert.equal(readExitStatus(join(scratch, 'missing')), undefined)
  assert.equal(readExitStatus(join(scratch, 'missing', 'exit')), undefined)
})
