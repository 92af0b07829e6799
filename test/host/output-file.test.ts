import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  createReadStream,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import { writeOutputFile } from '../../src/host/output-file.ts'

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsctr-output-'))
  path = join(directory, 'out')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const write = (letters: string): Promise<void> =>
  writeOutputFile(path, async (put) => {
    for (const letter of letters) await put(Buffer.from(letter))
  })

test('a file is there when it is whole, for its owner alone', async () => {
  await write('hello')
  assert.equal(readFileSync(path, 'utf8'), 'hello')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(directory), ['out'])
})

test('what fails leaves the old file and no other', async () => {
  writeFileSync(path, 'old')
  await assert.rejects(
    writeOutputFile(path, async (put) => {
      await put(Buffer.from('new'))
      assert.equal(readFileSync(path, 'utf8'), 'old')
      throw new Error('no more')
    }),
    /no more/,
  )
  assert.equal(readFileSync(path, 'utf8'), 'old')
  assert.deepEqual(readdirSync(directory), ['out'])
})

test('a link stays one: the file behind it is replaced', async () => {
  writeFileSync(join(directory, 'real'), 'old')
  symlinkSync('real', path)
  await write('new')
  assert.equal(readFileSync(join(directory, 'real'), 'utf8'), 'new')
  assert.deepEqual(readdirSync(directory).toSorted(), ['out', 'real'])
})

test('a pipe is written to, not replaced', async () => {
  execFileSync('mkfifo', [path])
  const [read] = await Promise.all([text(createReadStream(path)), write('through')])
  assert.equal(read, 'through')
  assert.ok(statSync(path).isFIFO())
})

test('devices, directories and paths without a directory are refused', async () => {
  const fill = async (): Promise<void> => assert.fail('it is written')
  await assert.rejects(writeOutputFile('/dev/null', fill), /got a device$/)
  await assert.rejects(writeOutputFile(directory, fill), /is a directory$/)
  await assert.rejects(writeOutputFile(join(directory, 'no/out'), fill), /does not exist$/)
  assert.deepEqual(readdirSync(directory), [])
})
