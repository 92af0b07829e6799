import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  endedExecsDirectory,
  forgetEndedExec,
  leaveEndScript,
  readEndedExecs,
} from '../../src/runtime/ended-execs.ts'

test('ends are read in the order in which they happened, once they are whole', () => {
  const stateRoot = mkdtempSync(join(tmpdir(), 'tsctr-ended-'))
  try {
    assert.deepEqual(readEndedExecs(stateRoot), [])
    const ends = endedExecsDirectory(stateRoot)
    const [first, second, third] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [
      string,
      string,
      string,
    ]
    const leave = (exec: string, status: string): void => {
      const script = `${leaveEndScript} container=box exec=${exec} status=${status} ends=${ends}; leave_end`
      execFileSync('/bin/sh', ['-c', script])
    }
    leave(first, '0')
    assert.deepEqual(
      readEndedExecs(stateRoot),
      [],
      'the directory went with the machine’s last run',
    )
    mkdirSync(ends)
    leave(first, '137')
    leave(second, '')
    // Begun, but not written yet.
    writeFileSync(join(ends, third), '')
    utimesSync(join(ends, first), 20, 20)
    utimesSync(join(ends, second), 10, 10)
    const common = { containerId: 'box' }
    assert.deepEqual(readEndedExecs(stateRoot), [
      { ...common, execId: second, exitCode: undefined, endedAtUs: 10_000_000 },
      { ...common, execId: first, exitCode: 137, endedAtUs: 20_000_000 },
    ])
    forgetEndedExec(stateRoot, second)
    assert.deepEqual(
      readEndedExecs(stateRoot).map(({ execId }) => execId),
      [first],
    )
  } finally {
    rmSync(stateRoot, { recursive: true })
  }
})
