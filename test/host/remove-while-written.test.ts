import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { removeWhileWritten } from '../../src/host/remove-while-written.ts'

test('a directory goes though a process writes into it', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tsctr-remove-'))
  const directory = join(scratch, 'd')
  mkdirSync(directory)
  const script = 'i=0; while : >"$0/$i"; do i=$((i + 1)); done 2>/dev/null'
  const writer = spawn('sh', ['-c', script, directory], { stdio: 'ignore' })
  try {
    await delay(50)
    writer.kill('SIGKILL')
    removeWhileWritten(directory)
    assert.equal(existsSync(directory), false)
    removeWhileWritten(directory)
  } finally {
    if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit')
    rmSync(scratch, { recursive: true })
  }
})
