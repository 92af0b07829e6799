import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findInitProgram } from '../../../src/container/spec/init-program.ts'

// Types of segments. Source: elf(5)
const loadable = 1
const interpreter = 3

let dir: string

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsctr-init-'))
  mkdirSync(join(dir, 'static'))
  mkdirSync(join(dir, 'dynamic'))
  writeFileSync(join(dir, 'static/real'), elf([loadable]), { mode: 0o755 })
  symlinkSync('real', join(dir, 'static/tini'))
  writeFileSync(join(dir, 'dynamic/tini'), elf([loadable, interpreter]), { mode: 0o755 })
  copyFileSync(process.execPath, join(dir, 'dynamic/node'))
  writeFileSync(join(dir, 'dynamic/script'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(join(dir, 'dynamic/catatonit'), elf([loadable]), { mode: 0o644 })
})

after(() => rmSync(dir, { recursive: true }))

test('the first statically linked program of a known name is taken, its symlinks followed', () => {
  const searchPath = `${dir}/dynamic:${dir}/static`
  assert.equal(findInitProgram(undefined, searchPath), join(dir, 'static/real'))
})

test('one that needs libraries is refused: the image may not have them', () => {
  for (const name of ['tini', 'node', 'script']) {
    assert.throws(() => findInitProgram(name, `${dir}/dynamic`), /is not statically linked/, name)
  }
})

test('where there is none the error says what to install', () => {
  assert.throws(() => findInitProgram('/no/such/init'), {
    code: 'FAILED_PRECONDITION',
    message: '--init: /no/such/init not found',
    hint: 'install tini or catatonit',
  })
  assert.throws(() => findInitProgram('catatonit', `${dir}/dynamic`), /catatonit not found/)
})

/** The head of a 64-bit program with segments of the given types. */
function elf(types: readonly number[]): Buffer {
  const bytes = Buffer.alloc(64 + 56 * types.length)
  bytes.write('\x7fELF\x02', 'latin1')
  bytes.writeBigUInt64LE(64n, 32)
  bytes.writeUInt16LE(56, 54)
  bytes.writeUInt16LE(types.length, 56)
  for (const [index, type] of types.entries()) bytes.writeUInt32LE(type, 64 + 56 * index)
  return bytes
}
