import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newFilePath, readValueFile } from '../../../src/container/flag-values/value-file.ts'

let dir: string

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsctr-values-'))
})

after(() => rmSync(dir, { recursive: true }))

function read(content: string | Buffer): string[] {
  const path = join(dir, 'values')
  writeFileSync(path, content)
  return readValueFile(path)
}

test('entries are kept as they stand, comments and empty lines are not entries', () => {
  const lines = ['# note', '', '  A=1 # not a note ', 'B="x y"', 'C', 'D=', 'E=a=b', '\t#x', '   ']
  assert.deepEqual(read(lines.join('\n')), ['A=1 # not a note ', 'B="x y"', 'C', 'D=', 'E=a=b'])
})

test('lines may end as on Windows and the file begin with a byte order mark', () => {
  assert.deepEqual(read('\ufeffA=1\r\nB=2\r\n'), ['A=1', 'B=2'])
})

test('a name with white space or none is refused with its line', () => {
  assert.throws(() => read('A=1\nB C=2'), /values: line 2: white space in the name "B C"/)
  assert.throws(() => read('export A=1'), /line 1: white space/)
  assert.throws(() => read('=1'), /line 1: no name before =/)
})

test('what is no text, or not there, is refused', () => {
  assert.throws(() => read(Buffer.from([0x41, 0x3d, 0xff])), /not UTF-8 text/)
  assert.throws(() => readValueFile(join(dir, 'missing')), { code: 'NOT_FOUND' })
  assert.throws(() => readValueFile(dir), /cannot be read/)
})

test('a file that is to be made must not be there', () => {
  assert.equal(newFilePath(join(dir, 'new')), join(dir, 'new'))
  assert.throws(() => newFilePath(dir), { code: 'ALREADY_EXISTS' })
})
