import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import {
  dropHealthResult,
  type HealthFiles,
  healthFiles,
  readHealthResults,
} from '../../src/runtime/health-files.ts'

let directory: string
let files: HealthFiles

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsctr-health-'))
  files = healthFiles({ directory })
  mkdirSync(files.directory)
})
afterEach(() => rmSync(directory, { recursive: true }))

function leave(slot: number, startedAtS: number, code: string, output = ''): void {
  const path = (name: string): string => join(files.directory, `${slot}.${name}`)
  writeFileSync(path('start'), '')
  writeFileSync(path('code'), code)
  writeFileSync(path('output'), output)
  utimesSync(path('start'), startedAtS, startedAtS)
  utimesSync(path('code'), startedAtS + 1, startedAtS + 1)
}

test('results are read in the order of their time, whatever slot they lie in', () => {
  leave(3, 1000, '0\n', 'old')
  leave(4, 1010, 'late\n')
  leave(0, 1020, '7\n', 'new')
  leave(1, 1030, '', 'runs now')
  assert.deepEqual(
    readHealthResults(files).map(({ output, ...rest }) => ({ ...rest, output: String(output) })),
    [
      { slot: 3, startedAtUs: 1000e6, endedAtUs: 1001e6, exitCode: 0, output: 'old' },
      { slot: 4, startedAtUs: 1010e6, endedAtUs: 1011e6, exitCode: undefined, output: '' },
      { slot: 0, startedAtUs: 1020e6, endedAtUs: 1021e6, exitCode: 7, output: 'new' },
    ],
  )
})

test('one that is dropped counts no more, and where nothing lies there is none', () => {
  leave(0, 1000, '1\n')
  dropHealthResult(files, 0)
  assert.deepEqual(readHealthResults(files), [])
  rmSync(files.directory, { recursive: true })
  assert.deepEqual(readHealthResults(files), [])
})
