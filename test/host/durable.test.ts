import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { fsyncDirectory, syncFilesystemOf, writeFileAtomically } from '../../src/host/durable.ts'

let scratch: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tsctr-durable-'))
})
afterEach(() => rmSync(scratch, { recursive: true }))

describe('writeFileAtomically', () => {
  test('makes a file that only its owner reads, unless asked otherwise', () => {
    const path = join(scratch, 'file')
    writeFileAtomically(path, 'text')
    assert.equal(readFileSync(path, 'utf8'), 'text')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    writeFileAtomically(path, Buffer.from([0, 255]), 0o400)
    assert.deepEqual(readFileSync(path), Buffer.from([0, 255]))
    assert.equal(statSync(path).mode & 0o777, 0o400)
    assert.deepEqual(readdirSync(scratch), ['file'])
  })

  test('leaves what was there, and nothing else, when it fails', () => {
    const path = join(scratch, 'directory')
    mkdirSync(join(path, 'in it'), { recursive: true })
    assert.throws(() => writeFileAtomically(path, 'text'), { code: 'EISDIR' })
    assert.deepEqual(readdirSync(scratch), ['directory'])
    assert.deepEqual(readdirSync(path), ['in it'])
  })

  test('is seen whole or not at all by another process', { timeout: 60_000 }, async () => {
    const path = join(scratch, 'file')
    const contents = ['a', 'b'].map((letter) => letter.repeat(100_000))
    writeFileAtomically(path, contents[0] ?? '')
    const module = join(import.meta.dirname, '../../src/host/durable.ts')
    const program = `
      const { writeFileAtomically } = await import(${JSON.stringify(module)})
      const contents = ['a', 'b'].map((letter) => letter.repeat(100_000))
      for (let turn = 0; turn < 40; turn += 1) writeFileAtomically(process.argv[1], contents[turn % 2])`
    const writer = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program, path],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    const ended = once(writer, 'close')
    const seen = new Set<string>()
    while (writer.exitCode === null) {
      seen.add(readFileSync(path, 'utf8'))
      await new Promise(setImmediate)
    }
    assert.deepEqual(await ended, [0, null])
    for (const text of seen) assert.ok(contents.includes(text), `${text.length} bytes`)
    assert.deepEqual(readdirSync(scratch), ['file'])
  })
})

for (const sync of [fsyncDirectory, syncFilesystemOf]) {
  test(`${sync.name} takes a directory, and keeps no descriptor`, () => {
    writeFileSync(join(scratch, 'file'), '')
    const before = readdirSync('/proc/self/fd')
    sync(scratch)
    assert.throws(() => sync(join(scratch, 'file')), { code: 'ENOTDIR' })
    assert.throws(() => sync(join(scratch, 'missing')), { code: 'ENOENT' })
    assert.deepEqual(readdirSync('/proc/self/fd'), before)
  })
}
