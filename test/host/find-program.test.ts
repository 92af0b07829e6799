import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { findProgram } from '../../src/host/find-program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-find-'))
const pathBefore = process.env.PATH
afterEach(() => {
  if (pathBefore === undefined) delete process.env.PATH
  else process.env.PATH = pathBefore
})
after(() => rmSync(scratch, { recursive: true, force: true }))

function program(directory: string, name: string, mode = 0o755): string {
  mkdirSync(join(scratch, directory), { recursive: true })
  const path = join(scratch, directory, name)
  writeFileSync(path, '', { mode })
  return path
}

test('a name is looked up in PATH, in its order', () => {
  const first = program('first', 'tsctr-trial')
  program('second', 'tsctr-trial')
  process.env.PATH = `${scratch}/none::${scratch}/first:${scratch}/second`
  assert.equal(findProgram('tsctr-trial'), first)
})

test('directories and files without the right to be run are passed over', () => {
  mkdirSync(join(scratch, 'third/tsctr-other'), { recursive: true })
  program('fourth', 'tsctr-other', 0o644)
  const right = program('fifth', 'tsctr-other')
  process.env.PATH = ['third', 'fourth', 'fifth'].map((name) => join(scratch, name)).join(':')
  assert.equal(findProgram('tsctr-other'), right)
})

// cron and su give users a PATH without /usr/sbin, where conmon and runc may lie.
test('the system directories are searched whatever PATH says', () => {
  process.env.PATH = join(scratch, 'none')
  assert.match(findProgram('sh'), /^\/(usr\/)?bin\/sh$/)
  delete process.env.PATH
  assert.match(findProgram('sh'), /\/sh$/)
})

test('a path is taken as it is', () => {
  const path = program('sixth', 'a program')
  assert.equal(findProgram(path), path)
  assert.throws(() => findProgram(join(scratch, 'nope')), {
    code: 'FAILED_PRECONDITION',
    message: `${scratch}/nope: not an executable file`,
  })
})

// conmon, in the directory /, said of `--runtime ./mine` that there is no such file.
test('what is found from the working directory has an absolute path', () => {
  const path = program('seventh', '--version')
  assert.equal(findProgram(relative(process.cwd(), path)), path)
  process.env.PATH = relative(process.cwd(), join(scratch, 'seventh'))
  assert.equal(findProgram('--version'), path)
})

// "apt-get install nosuch" was no help to who had mistyped a runtime.
test('a missing program is named; nobody is told to install what is no package', () => {
  assert.throws(() => findProgram('tsctr-nope'), {
    code: 'FAILED_PRECONDITION',
    message: 'tsctr-nope: not installed',
    hint: undefined,
  })
})
