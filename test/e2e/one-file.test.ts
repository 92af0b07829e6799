import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { buildOneFile } from '../../bin/one-file.ts'
import { needsBareRoot, unpackBareRoot } from '../helpers/bare-root.ts'
import { needsRoot } from '../helpers/capabilities.ts'
import { builtProgram, runTsctr, sourceProgram } from '../helpers/run-tsctr.ts'

const root = join(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'tsctr-one-file-'))
const madeProgram = join(scratch, 'a directory/a program')

before(() =>
  buildOneFile({
    root,
    entry: join(root, 'test/helpers/one-file-program.ts'),
    output: madeProgram,
    scratch: join(scratch, 'build'),
    training: [],
  }),
)
after(() => rmSync(scratch, { recursive: true, force: true }))

describe('the one-file build', () => {
  test('carries its packages, the SQLite addon and its workers', () => {
    const { status, stdout, stderr } = spawnSync(madeProgram, ['--help', '-v'], {
      encoding: 'utf8',
      cwd: '/',
    })
    assert.equal(stderr, '')
    assert.equal(status, 0)
    const { version, answer, args, execPath } = JSON.parse(stdout)
    assert.match(version, /^3\./)
    assert.deepEqual(answer, { input: { shared: { 0: 7, 1: 7, 2: 7 } }, answer: 42 })
    assert.deepEqual(args, ['--help', '-v'], "the program's arguments are not Node's")
    assert.equal(execPath, madeProgram)
  })

  test('needs no /dev/shm that programs may be run from', { skip: needsRoot() }, () => {
    const script = 'mount -t tmpfs -o noexec tmpfs /dev/shm && exec "$0"'
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, madeProgram]
    const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' })
    assert.equal(stderr, '')
    assert.equal(status, 0)
    assert.match(JSON.parse(stdout).version, /^3\./)
  })

  test('is one executable file of at most 130 MB', () => {
    const { size, mode } = statSync(builtProgram)
    assert.equal(mode & 0o777, 0o755)
    assert.ok(size < 130e6, `${size} bytes`)
  })

  // A caller's NODE_OPTIONS were once read by the program inside: a flag it did not know ended it,
  // and --require ran the caller's code as whoever ran tsctr.
  test('passes NODE_OPTIONS on, and does not heed them', () => {
    const marker = join(scratch, 'injected')
    const injected = join(scratch, 'inject.cjs')
    writeFileSync(injected, `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '')`)
    for (const options of ['--no-such-flag', `--require "${injected}"`]) {
      const env = { ...process.env, NODE_OPTIONS: options }
      const { exitCode, stdout, stderr } = runTsctr(['--version'], { program: builtProgram, env })
      assert.equal(stderr, '')
      assert.equal(exitCode, 0)
      assert.match(stdout, /^tsctr version /)
      const seen = execFileSync(madeProgram, { env, encoding: 'utf8' })
      assert.equal(JSON.parse(seen).NODE_OPTIONS, options)
    }
    assert.deepEqual(globSync(marker), [])
  })

  // `run --env-file` was read by Node as well: it ended with Node's own 9 and message where there was
  // no such file, took the variables for tsctr's own, and left a pipe's end to tsctr.
  test('leaves --env-file to the command', () => {
    const envFile = join(scratch, 'env-file')
    writeFileSync(envFile, 'NODE_OPTIONS=from-the-file\n')
    for (const path of [envFile, '/nonexistent']) {
      const args = ['run', '--env-file', path]
      const { NODE_OPTIONS: _, ...env } = process.env
      const made = spawnSync(madeProgram, args, { encoding: 'utf8', env })
      assert.equal(made.status, 0, made.stderr)
      assert.deepEqual(JSON.parse(made.stdout).args, args)
      assert.equal(JSON.parse(made.stdout).NODE_OPTIONS, undefined)
      for (const program of [builtProgram, sourceProgram]) {
        const { exitCode, stderr } = runTsctr(['version', '--env-file', path], { program })
        assert.match(stderr, /^tsctr: version: unknown option '--env-file'$/m)
        assert.equal(exitCode, 1)
      }
    }
  })

  test('says the same as tsctr from source', () => {
    for (const args of [
      ['--version'],
      ['--help'],
      ['version', '--help'],
      ['verzion'],
      ['ps', '--bad'],
    ]) {
      assert.deepEqual(runTsctr(args, { program: builtProgram }), runTsctr(args), args.join(' '))
    }
  })

  // Only 5000 of the unit µs, which is not ASCII, are long enough for the flag's next complaint.
  test('reads its own text right', () => {
    const args = ['run', '--health-interval', '5000µs', '--health-retries', 'x', 'busybox']
    const { stderr } = runTsctr(args, { program: builtProgram })
    assert.match(stderr, /--health-retries/)
    assert.doesNotMatch(stderr, /--health-interval/)
  })

  test('prints no warning of the Node inside', () => {
    const { stderr } = runTsctr(['version', '--format', 'json'], { program: builtProgram })
    assert.equal(stderr, '')
  })
})

describe('in a Debian without Node', { skip: needsBareRoot() }, () => {
  const bare = join(scratch, 'bare')

  before(() => {
    mkdirSync(bare)
    unpackBareRoot(bare)
    copyInto(builtProgram, '/usr/local/bin/tsctr')
    copyInto(madeProgram, '/opt/a directory/a program')
  })

  test('there is neither Node nor libatomic', () => {
    assert.deepEqual(globSync(join(bare, 'usr/{bin,local/bin}/node*')), [])
    assert.deepEqual(globSync(join(bare, 'usr/lib/**/libatomic*')), [])
  })

  test('the file alone runs', () => {
    assert.match(inBareRoot('tsctr', '--version'), /^tsctr version /)
    assert.match(inBareRoot('tsctr', 'version'), /^Client:\n/)
    assert.equal(
      inBareRoot('tsctr', 'info', '-f', '{{.DefaultRuntime}} {{.CgroupDriver}}'),
      'runc cgroupfs\n',
    )
  })

  test('addon and workers are there', () => {
    const { answer } = JSON.parse(inBareRoot('/opt/a directory/a program'))
    assert.equal(answer.answer, 42)
  })

  function copyInto(program: string, path: string): void {
    mkdirSync(join(bare, dirname(path)), { recursive: true })
    copyFileSync(program, join(bare, path))
  }

  /** /proc is mounted in a namespace that ends with the program: nothing is left to unmount. */
  function inBareRoot(...command: readonly string[]): string {
    const script = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    return execFileSync('unshare', ['--mount', 'sh', '-c', script, bare, ...command], {
      encoding: 'utf8',
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
    })
  }
})
