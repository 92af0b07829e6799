import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
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
import Sqlite from 'better-sqlite3'
import {
  type Database,
  openDatabase,
  unsyncedTransaction,
  writeTransaction,
} from '../../src/host/database.ts'
import { twoSteps } from './database-steps.ts'

let directory: string
let path: string
let opened: { close(): unknown }[]
let children: ChildProcess[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsctr-database-'))
  path = join(directory, 'meta.db')
  opened = []
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const each of opened) each.close()
  rmSync(directory, { recursive: true })
})

describe('openDatabase', () => {
  test('makes a database that others on the machine cannot read and a power loss does not undo', () => {
    const database = open()
    assert.equal(pragma(database, 'journal_mode'), 'wal')
    assert.equal(pragma(database, 'foreign_keys'), 1)
    assert.equal(pragma(database, 'synchronous'), 2)
    assert.equal(statSync(path).mode & 0o077, 0)
  })

  test('brings an old schema up to date, step by step, and leaves what is there', () => {
    const old = open(twoSteps.filter(({ version }) => version === 1))
    assert.equal(pragma(old, 'user_version'), 1)
    old.exec('INSERT INTO other VALUES (7)')
    old.close()
    const database = open()
    assert.equal(pragma(database, 'user_version'), 2)
    assert.equal(database.prepare('SELECT id FROM other').pluck().get(), 7)
    assert.equal(counted(database), 0)
  })

  test('does nothing where the schema is up to date', () => {
    open().close()
    assert.equal(counted(open()), 0)
  })

  test('leaves the old version whole when a step fails', () => {
    open().close()
    const broken = [
      ...twoSteps,
      { version: 3, sql: 'CREATE TABLE half (a)' },
      { version: 4, sql: 'INSERT INTO nowhere VALUES (1)' },
    ]
    assert.throws(() => open(broken), /no such table: nowhere/)
    const database = open()
    assert.equal(pragma(database, 'user_version'), 2)
    const half = database.prepare(`SELECT count(*) FROM sqlite_schema WHERE name = 'half'`)
    assert.equal(half.pluck().get(), 0)
  })

  for (const journal of ['delete', 'wal']) {
    test(`refuses a newer program's database and does not touch it (journal mode ${journal})`, () => {
      const newer = new Sqlite(path)
      newer.pragma(`journal_mode = ${journal}`)
      newer.exec('CREATE TABLE future (a); PRAGMA user_version = 3')
      newer.close()
      const before = readFileSync(path)
      assert.throws(() => open(), {
        code: 'FAILED_PRECONDITION',
        message: `${path}: schema version 3 is newer than this tsctr knows (2)`,
        hint: 'use the tsctr that wrote it, or a newer one',
      })
      assert.ok(readFileSync(path).equals(before))
      assert.deepEqual(readdirSync(directory), ['meta.db'])
    })
  }

  test('in memory makes no file', () => {
    path = ':memory:'
    assert.equal(counted(open()), 0)
    assert.equal(existsSync(path), false)
  })

  test('says of a file that is no database that it is none, and leaves it', () => {
    writeFileSync(
      path,
      'something else, long enough to be looked at as a header of a database'.repeat(9),
    )
    const before = readFileSync(path)
    assert.throws(() => open(), {
      code: 'FAILED_PRECONDITION',
      message: `${path}: file is not a database`,
    })
    assert.ok(readFileSync(path).equals(before))
  })

  test('says what is wrong with a path that cannot be opened', () => {
    path = join(directory, 'missing', 'meta.db')
    assert.throws(() => open(), { code: 'FAILED_PRECONDITION', message: /^\/.*meta\.db: / })
  })
})

describe('writeTransaction', () => {
  test('returns what its body returns', () => {
    assert.equal(
      writeTransaction(open(), () => 'result'),
      'result',
    )
  })

  test('undoes everything when its body throws, and throws that', () => {
    const database = open()
    const failure = new Error('in the middle')
    const body = (): void => {
      database.exec('UPDATE counter SET value = 5')
      throw failure
    }
    assert.throws(() => writeTransaction(database, body), failure)
    assert.equal(counted(database), 0)
    assert.equal(database.inTransaction, false)
  })

  test('within another is a part of it', () => {
    const database = open()
    const outer = (): void => {
      writeTransaction(database, () => database.exec('UPDATE counter SET value = 5'))
      throw new Error('after the inner one')
    }
    assert.throws(() => writeTransaction(database, outer), /after the inner one/)
    assert.equal(counted(database), 0)
  })

  test('unsynced does not wait for the disk, and the next one does', () => {
    const database = open()
    const level = (): unknown => database.pragma('synchronous', { simple: true })
    const [full, normal] = [2, 1]
    assert.equal(unsyncedTransaction(database, level), normal)
    assert.equal(level(), full)
    assert.equal(writeTransaction(database, level), full)
    assert.throws(() =>
      unsyncedTransaction(database, () => {
        throw new Error('x')
      }),
    )
    assert.equal(level(), full)
  })

  test('unsynced within a synced one is synced with it', () => {
    const database = open()
    const level = (): unknown => database.pragma('synchronous', { simple: true })
    const within = writeTransaction(database, () => unsyncedTransaction(database, level))
    assert.equal(within, 2)
  })

  test('does not stop those who read', () => {
    const writer = open()
    const reader = open()
    writeTransaction(writer, () => {
      writer.exec('UPDATE counter SET value = 5')
      assert.equal(counted(reader), 0)
    })
    assert.equal(counted(reader), 5)
  })
})

describe('several processes', { timeout: 120_000 }, () => {
  test('that make one database at once make it once', async () => {
    const tasks = Array.from({ length: 6 }, () => 'open')
    assert.deepEqual(await atOnce(tasks), [0, 0, 0, 0, 0, 0])
    assert.equal(counted(open()), 0)
  })

  test('lose no write of each other', async () => {
    assert.deepEqual(await atOnce(['count', 'count', 'count', 'count']), [0, 0, 0, 0])
    assert.equal(counted(open()), 200)
  })

  test('a killed one leaves nothing of its transaction, and no lock', async () => {
    assert.deepEqual(await atOnce(['die']), ['SIGKILL'])
    const database = open()
    assert.equal(counted(database), 0)
    writeTransaction(database, () => database.exec('UPDATE counter SET value = 1'))
    assert.equal(counted(database), 1)
  })

  test('a child is given no descriptor of the database', () => {
    open()
    const descriptors = execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' })
    assert.doesNotMatch(descriptors, /meta\.db/)
  })
})

function open(migrations = twoSteps): Database {
  const database = openDatabase(path, migrations)
  opened.push(database)
  return database
}

function counted(database: Database): unknown {
  return database.prepare('SELECT value FROM counter').pluck().get()
}

function pragma(database: Database, name: string): unknown {
  return database.pragma(name, { simple: true })
}

/** Start a process for each task, let them begin together. @returns exit codes or signals */
async function atOnce(tasks: readonly string[]): Promise<unknown[]> {
  const program = join(import.meta.dirname, 'database-process.ts')
  const started = tasks.map((task) =>
    spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, path, task], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  children.push(...started)
  await Promise.all(started.map((child) => once(child.stdout, 'data')))
  const ends = started.map((child) => once(child, 'close'))
  for (const child of started) child.stdin.end('go\n')
  return (await Promise.all(ends)).map(([code, signal]) => signal ?? code)
}
