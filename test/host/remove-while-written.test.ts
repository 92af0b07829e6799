import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { removeWhileWritten } from '../../src/host/remove-while-written.ts'

test('a directory goes though a process writes into it', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tsctr-remove-'))
  const directory = join(scratch, 'd')
  mkdirSync(directory)
  // It ends when there is nothing to write into any more, at the latest after a second.
  const script = 'echo begun; i=0; while : >"$0/$((i % 50))"; do i=$((i + 1)); done 2>/dev/null'
  const writers = Array.from({ length: 2 }, () =>
    spawn('timeout', ['1', 'sh', '-c', script, directory], { stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  const ended = writers.map((writer) => once(writer, 'exit'))
  try {
    await Promise.all(writers.map((writer) => once(writer.stdout, 'data')))
    removeWhileWritten(directory)
    assert.equal(existsSync(directory), false)
    removeWhileWritten(directory)
  } finally {
    await Promise.all(ended)
    rmSync(scratch, { recursive: true, force: true })
  }
})
