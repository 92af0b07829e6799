import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { renderError } from '../../../src/cli/render/errors.ts'
import { wantsColor } from '../../../src/cli/render/wants-color.ts'
import { TsctrError } from '../../../src/errors.ts'

function caught(body: () => unknown): Error {
  try {
    body()
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  }
  throw new Error('did not throw')
}

test('a chain of causes reads like a path, the hint has its own line', () => {
  const inner = new TsctrError('UNAVAILABLE', 'layer 2 of 4: connection lost', {
    hint: 'try again',
  })
  const outer = new TsctrError('UNAVAILABLE', 'pull alpine:3.20', { cause: inner })
  assert.equal(
    renderError(outer),
    'tsctr: pull alpine:3.20: layer 2 of 4: connection lost\nhint: try again',
  )
  const own = new TsctrError('UNAVAILABLE', 'pull alpine:3.20', {
    cause: inner,
    hint: 'look at the network',
  })
  assert.match(renderError(own), /\nhint: look at the network$/)
})

test('what a wrapper already says of its cause is said once', () => {
  const inner = new TsctrError('NOT_FOUND', 'image a: not found')
  for (const message of ['image a: not found', 'run: image a: not found']) {
    const outer = new TsctrError('NOT_FOUND', message, { cause: inner })
    assert.equal(renderError(outer), `tsctr: ${message}`)
  }
  const shorter = new TsctrError('NOT_FOUND', 'image a', { cause: inner })
  assert.equal(renderError(shorter), 'tsctr: image a: not found')
})

test("a system error is told in the system's words, without a stack", () => {
  const missing = caught(() => readFileSync('/no/such'))
  const words = '/no/such: no such file or directory (ENOENT, open)'
  assert.equal(renderError(missing), `tsctr: ${words}`)
  const wrapped = new TsctrError('NOT_FOUND', 'read config', { cause: missing })
  assert.equal(renderError(wrapped), `tsctr: read config: ${words}`)
  const folded = new TsctrError('NOT_FOUND', `config: ${missing.message}`, { cause: missing })
  assert.equal(renderError(folded), `tsctr: config: ${missing.message}`)
  const { error: spawn } = spawnSync('/no/such/program')
  assert.equal(renderError(spawn), 'tsctr: spawnSync /no/such/program ENOENT')
})

test('a database that the machine refuses is no bug, a wrong statement is', () => {
  const full = new Sqlite.SqliteError('database or disk is full', 'SQLITE_FULL')
  assert.equal(
    renderError(full),
    'tsctr: metadata database: database or disk is full (SQLITE_FULL)',
  )
  const database = new Sqlite(':memory:')
  try {
    const wrong = caught(() => database.exec('SELEKT'))
    assert.match(renderError(wrong), /^tsctr: SqliteError: near "SELEKT": syntax error\n +at /)
  } finally {
    database.close()
  }
})

test('an unexpected error shows its stack and causes', () => {
  const error = new Error('bug: no row', { cause: new TypeError('inner') })
  const text = renderError(error)
  assert.match(text, /^tsctr: Error: bug: no row\n +at /)
  assert.match(text, /\ncaused by: TypeError: inner\n +at /)
  assert.equal(renderError('text'), 'tsctr: bug: thrown: text')
  assert.equal(renderError(undefined), 'tsctr: bug: thrown: undefined')
})

test('--debug adds the stacks to what everyone sees', () => {
  const error = new TsctrError('NOT_FOUND', 'a: gone', { cause: new Error('inner'), hint: 'look' })
  const [first, second, third, ...rest] = renderError(error, { debug: true }).split('\n')
  assert.deepEqual([first, second, third], ['tsctr: a: gone', 'hint: look', 'TsctrError: a: gone'])
  assert.ok(rest.includes('caused by: Error: inner'))
})

test('a chain that leads back to itself ends', () => {
  const one = new Error('one')
  one.cause = new TsctrError('UNAVAILABLE', 'two', { cause: one })
  assert.equal(renderError(one.cause), 'tsctr: two')
  assert.match(renderError(one), /caused by: TsctrError: two/)
})

// Fault list, b3 47.
test('control characters from outside are escaped, in one line', () => {
  const error = new TsctrError('UNAVAILABLE', 'registry said: \x1b[31mno\nway\r', { hint: '\x07' })
  assert.equal(renderError(error), 'tsctr: registry said: \\x1b[31mno\\nway\\r\nhint: \\x07')
})

test('colour only when asked for', () => {
  const error = new TsctrError('NOT_FOUND', 'a: gone', { hint: 'look' })
  assert.equal(
    renderError(error, { color: true }),
    '\x1b[31mtsctr:\x1b[39m a: gone\n\x1b[33mhint:\x1b[39m look',
  )
  assert.equal(wantsColor({ isTTY: true }, { TERM: 'xterm' }), true)
  assert.equal(wantsColor({ isTTY: true }, { NO_COLOR: '1' }), false)
  assert.equal(wantsColor({ isTTY: true }, { TERM: 'dumb' }), false)
  assert.equal(wantsColor({}, {}), false)
})
