import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { installedProgram } from '../../src/runtime/installed-program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-installed-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

function program(name: string, script: string): string {
  const path = join(scratch, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return path
}

test('a program is asked for its version', async () => {
  const runc = program('runc', 'echo "runc version 1.3.3+dev\nspec: 1.2.1"')
  assert.deepEqual(await installedProgram(runc), { path: runc, version: '1.3.3+dev' })
  const conmon = program('conmon', 'echo conmon version 2.1.6')
  assert.deepEqual(await installedProgram(conmon), { path: conmon, version: '2.1.6' })
})

test('a program that does not say has an empty version', async () => {
  const path = program('silent', 'exit 3')
  assert.deepEqual(await installedProgram(path), { path, version: '' })
})

test('a missing program is undefined', async () => {
  assert.equal(await installedProgram(join(scratch, 'missing')), undefined)
})
