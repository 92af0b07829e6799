import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { selfCommand } from '../../src/cli/program-path.ts'

test('tsctr can start itself again, from anywhere and without the caller’s PATH', () => {
  const [program, ...args] = selfCommand()
  const options = { cwd: '/', env: {}, encoding: 'utf8' } as const
  assert.match(execFileSync(program, [...args, '--version'], options), /^tsctr version /)
})
