import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { commandList } from '../../src/cli/command-list.ts'
import { runTsctr, sourceProgram } from '../helpers/run-tsctr.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-main-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

describe('tsctr', () => {
  test('without a command shows every command and makes nothing', () => {
    const dataRoot = join(scratch, 'untouched')
    const { exitCode, stdout, stderr } = runTsctr(['--data-root', dataRoot])
    assert.equal(exitCode, 0)
    assert.equal(stderr, '')
    for (const { names } of commandList) {
      const short = names.find((name) => !name.includes(' '))
      if (short !== undefined) assert.match(stdout, new RegExp(`^  ${short} `, 'm'))
    }
    assert.deepEqual(readdirSync(scratch), [])
  })

  test('--version says the version that version says', () => {
    const { stdout } = runTsctr(['--version'])
    assert.match(stdout, /^tsctr version \d+\.\d+\.\d+\n$/)
    const { stdout: version } = runTsctr(['version', '-f', 'tsctr version {{.Client.Version}}'])
    assert.equal(version, stdout)
  })

  test('refuses an unknown command in two lines', () => {
    assert.deepEqual(runTsctr(['versoin', '--x']), {
      exitCode: 1,
      stdout: '',
      stderr: "tsctr: 'versoin' is not a tsctr command\nhint: did you mean tsctr version?\n",
    })
  })

  // The group's name counted as letters that were right: `container nosuch` meant `container attach`.
  test('knows the commands of a group by their own names', () => {
    const hintOf = (...args: string[]) => runTsctr(args).stderr.split('\n')[1]
    assert.equal(hintOf('container', 'nosuch'), 'hint: tsctr container --help')
    assert.equal(hintOf('container', 'inspetc'), 'hint: did you mean tsctr container inspect?')
  })

  test('refuses an unknown option in two lines', () => {
    assert.deepEqual(runTsctr(['version', '--bad']), {
      exitCode: 1,
      stdout: '',
      stderr: "tsctr: version: unknown option '--bad'\nhint: tsctr version --help\n",
    })
    assert.equal(runTsctr(['--bad']).exitCode, 1)
    assert.equal(runTsctr(['--data-root']).exitCode, 1)
  })

  test('refuses a bad namespace before it does anything', () => {
    const { exitCode, stderr } = runTsctr(['info'], {
      env: { ...process.env, TSCTR_NAMESPACE: '../x' },
    })
    assert.equal(exitCode, 1)
    assert.match(stderr, /^tsctr: namespace "\.\.\/x": not a valid name\n/)
  })

  test('shows a stack with --debug and none without', () => {
    assert.doesNotMatch(runTsctr(['version', '--bad']).stderr, /^ +at /m)
    assert.match(runTsctr(['--debug', 'version', '--bad']).stderr, /^ +at /m)
  })

  test('shows help for a command on stdout', () => {
    for (const args of [
      ['version', '--help'],
      ['help', 'version'],
    ]) {
      const { exitCode, stdout, stderr } = runTsctr(args)
      assert.equal(exitCode, 0)
      assert.match(stdout, /^Usage: tsctr version \[options\]\n[\s\S]*--format[\s\S]*\n$/)
      assert.equal(stderr, '')
    }
  })

  test('ends without a word when nobody reads its output', () => {
    const script = '{ "$0" info --format json; echo "exit $?" >&2; } 2>&1 >/dev/full | cat; '
    const full = execFileSync('sh', ['-c', script, sourceProgram], { encoding: 'utf8' })
    assert.match(full, /^tsctr: no space left on device \(ENOSPC, write\)\nexit 1\n$/m)

    const closed = '{ sleep 1; "$0" version; echo "exit $?" >&2; } 2>"$1" | true; cat "$1"'
    const log = join(scratch, 'stderr')
    assert.equal(
      execFileSync('sh', ['-c', closed, sourceProgram, log], { encoding: 'utf8' }),
      'exit 141\n',
    )
  })

  test('starts through a symbolic link', () => {
    const link = join(scratch, 'a link')
    symlinkSync(sourceProgram, link)
    assert.match(execFileSync(link, ['--version'], { encoding: 'utf8' }), /^tsctr version /)
  })
})
