import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { resizeTerminal } from '../../src/runtime/terminal-size.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-size-'))
after(() => rmSync(scratch, { recursive: true, force: true }))
const fifo = join(scratch, 'ctl')
execFileSync('mkfifo', [fifo])

test('the monitor gets one line with rows and columns', () => {
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    assert.equal(resizeTerminal(fifo, 24, 80), true)
    const bytes = Buffer.alloc(100)
    assert.equal(bytes.toString('ascii', 0, readSync(reader, bytes)), '1 24 80\n')
  } finally {
    closeSync(reader)
  }
})

// A monitor that is just starting or has been killed must not hold up the terminal's user.
test('without a monitor nothing happens, at once', () => {
  assert.equal(resizeTerminal(fifo, 24, 80), false)
  assert.equal(resizeTerminal(join(scratch, 'missing'), 24, 80), false)
})
