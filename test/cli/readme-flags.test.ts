import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Command, type Option } from 'commander'
import { addCreateCommand } from '../../src/cli/commands/create.ts'
import { addExecCommand } from '../../src/cli/commands/exec.ts'
import { refusedRunFlags } from '../../src/cli/commands/refused-flags.ts'
import { addRunCommand } from '../../src/cli/commands/run.ts'

interface Row {
  /** `-e, --env` */
  readonly names: string
  readonly commands: readonly string[]
  readonly state: string
  readonly remarks: string
}

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
const section = readme.split('\n## Flags of run, create and exec\n')[1]?.split('\n## ')[0] ?? ''
const rows = [...section.matchAll(/^\| (`-.*?) \| (.*?) \| (.*?) \|(.*)\|$/gm)].map(
  ([, names = '', commands = '', state = '', remarks = '']): Row => ({
    names: names.replaceAll('`', ''),
    commands: commands.split(', '),
    state,
    remarks: remarks.trim(),
  }),
)
const refused = refusedRunFlags.map(({ flag }) => flag.replace(/ .*/, ''))

/** The flags of a command, without those that are only there to be refused or to undo another. */
function flagsOf(command: Command): string[] {
  const positive = command.options.filter(({ negate }) => !negate)
  const undoes = (option: Option): boolean =>
    option.negate && positive.some((other) => other.attributeName() === option.attributeName())
  return command.options
    .filter((option) => !undoes(option) && !refused.includes(option.long ?? ''))
    .map(({ short, long }) => [short, long].filter((name) => name !== undefined).join(', '))
    .sort()
}

function commands(): Command[] {
  const parent = new Command()
  for (const add of [addRunCommand, addCreateCommand, addExecCommand]) add(parent)
  return [...parent.commands]
}

test('the table of flags in the README says done of the flags that run, create and exec have', () => {
  for (const command of commands()) {
    const done = rows.filter((row) => row.state === 'done' && row.commands.includes(command.name()))
    assert.deepEqual(done.map(({ names }) => names).sort(), flagsOf(command), command.name())
  }
})

test('it says not planned of those that are refused, with the same reason', () => {
  const notPlanned = rows.filter(({ state }) => state === 'not planned')
  assert.deepEqual(notPlanned.map(({ names }) => names).sort(), refused.toSorted())
  for (const { flag, reason } of refusedRunFlags) {
    const row = notPlanned.find(({ names }) => names === flag.replace(/ .*/, ''))
    assert.ok(row?.remarks.startsWith(reason), `${flag}: ${row?.remarks}`)
  }
})

test('it is sorted, has no flag twice, and no state but these three', () => {
  const longNames = rows.map(({ names }) => names.replace(/^-\w, /, ''))
  assert.deepEqual(longNames, [...new Set(longNames)].sort())
  const states = new Set(rows.map(({ state }) => state))
  assert.deepEqual(
    [...states].filter((state) => !known.includes(state)),
    [],
  )
  assert.ok(rows.length > 80, `${rows.length} rows were read`)
})

const known = ['done', 'not yet', 'not planned']
