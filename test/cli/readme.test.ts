import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandGroups, commandList } from '../../src/cli/command-list.ts'

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')

test('the command table of the README has a row for each command, with all its names, sorted', () => {
  const section = readme.split('\n## Commands\n')[1]?.split('\n## ')[0] ?? ''
  const rows = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, names]) => names)
  const internal = commandGroups.filter(({ isInternal }) => isInternal).map(({ name }) => name)
  const expected = commandList
    .map(({ names }) => names)
    .filter(([name]) => !internal.includes(name?.split(' ')[0] ?? ''))
    .map((names) => names.map((name) => `\`${name}\``).join(', '))
    .sort()
  assert.deepEqual(rows, expected)
})
