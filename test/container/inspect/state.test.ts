import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspectState } from '../../../src/container/inspect/state.ts'
import { containerFiles } from '../../../src/runtime/container-files.ts'
import type { ContainerRecord } from '../../../src/store/containers.ts'

// It was shown as exited with 0.
test('one that has ended after it was settled has the exit code that its monitor wrote', (t) => {
  const dataRoot = mkdtempSync(join(tmpdir(), 'tsctr-state-'))
  t.after(() => rmSync(dataRoot, { recursive: true, force: true }))
  const files = containerFiles(dataRoot, 'a'.repeat(64))
  mkdirSync(files.directory, { recursive: true })
  writeFileSync(files.exit, '7')
  const record = { state: 'running', error: '', health: undefined } as unknown as ContainerRecord
  const ended = inspectState(record, 'exited', files, [])
  assert.deepEqual(pick(ended), {
    ExitCode: 7,
    FinishedAt: statSync(files.exit).mtime.toISOString(),
  })
  const running = inspectState(record, 'running', files, [])
  assert.deepEqual(pick(running), { ExitCode: 0, FinishedAt: '0001-01-01T00:00:00Z' })
})

function pick(state: object): object {
  const { ExitCode, FinishedAt } = state as Record<string, unknown>
  return { ExitCode, FinishedAt }
}
