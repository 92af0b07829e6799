import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commandGroups, commandList } from '../../src/cli/command-list.ts'
import { findCommand } from '../../src/cli/find-command.ts'

describe('findCommand', () => {
  test('takes the first word that is no global option or its value', () => {
    const argv = ['--data-root', '/a', '-n=x', '--debug', 'version', '--data-root', 'b']
    const found = findCommand(argv)
    assert.equal(found.kind, 'command')
    assert.deepEqual(found.kind === 'command' && found.line, {
      globals: ['--data-root', '/a', '-n=x', '--debug'],
      words: ['version'],
      rest: ['--data-root', 'b'],
    })
  })

  test('does not take the value of an option for a command', () => {
    assert.equal(findCommand(['--namespace', 'version']).kind, 'help')
    assert.equal(findCommand(['--namespace=version', 'info']).kind, 'command')
  })

  test('knows help and version only before the command', () => {
    assert.equal(findCommand([]).kind, 'help')
    assert.equal(findCommand(['--help', 'version']).kind, 'help')
    assert.equal(findCommand(['-v']).kind, 'version')
    assert.equal(findCommand(['--data-root', '/a', '--version']).kind, 'version')
    assert.equal(findCommand(['version', '--version']).kind, 'command')
  })

  test('turns help with a command into that command with --help', () => {
    const found = findCommand(['help', 'version'])
    assert.deepEqual(found.kind === 'command' && found.line.rest, ['--help'])
    assert.equal(findCommand(['help']).kind, 'help')
  })

  test('names what it does not know', () => {
    assert.deepEqual(findCommand(['-D', 'verzion', 'x']), { kind: 'unknown', words: ['verzion'] })
  })
})

describe('the command list', () => {
  test('has each name once, and of two words only below a group', () => {
    const names = commandList.flatMap((entry) => entry.names)
    assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted())
    const groups = commandGroups.map((group) => group.name)
    for (const name of names) {
      const words = name.split(' ')
      assert.ok(words.length === 1 || groups.includes(words[0] ?? ''), name)
      assert.equal(groups.includes(name), false, `${name} is a group too`)
    }
  })

  test('finds every command under every name', () => {
    for (const entry of commandList) {
      for (const name of entry.names) {
        const found = findCommand([...name.split(' '), '--flag'])
        assert.equal(found.kind === 'command' && found.entry, entry, name)
      }
    }
  })
})
