import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'

// Fault list, b3 40 and 41: nothing that a user or an image names is an option of runc, conmon, ip,
// nft, ps or a shell.
describe('words that look like options', { skip: needsContainers() || needsRegistry() }, () => {
  let sandbox: RunSandbox

  before(async () => {
    sandbox = await createRunSandbox()
    const flags = ['--network', 'none', '--name', 'dashed', '--entrypoint', 'sleep']
    await sandbox.succeeds('create', '--name', 'imaged', 'busybox')
    const change = ['-c', 'STOPSIGNAL 9', '-c', 'LABEL --all=--help']
    await sandbox.succeeds('commit', ...change, 'imaged', 'dashed')
    await sandbox.succeeds('run', '-d', ...flags, 'dashed', '1000')
  })
  after(() => sandbox.close())

  /** In a shell whose working directory is the sandbox's. */
  function inDirectory(command: string): Promise<{ stdout: string; stderr: string }> {
    const prefix = ['sh', '-c', 'cd "$1" && shift && program=$1 && shift && exec "$program" "$@"']
    const args = [...prefix.slice(1), 'sh', sandbox.directory, sandbox.program]
    return sandbox.run([...args, ...command.split(' ')], { program: 'sh' })
  }

  test('of a program are the program’s', async () => {
    // As docker has it, -- behind the container is the program.
    for (const program of ['--version', '--']) {
      const { stderr, exitCode } = await sandbox.run(['exec', 'dashed', program, '--help'])
      assert.equal(
        stderr,
        `tsctr: container dashed: exec "${program}": executable file not found\n`,
      )
      assert.equal(exitCode, 127)
    }
    assert.equal(await sandbox.succeeds('exec', 'dashed', 'echo', '--help'), '--help')
    const run = await sandbox.run(['run', '--rm', '--network=none', '--entrypoint=-v', 'busybox'])
    assert.match(run.stderr, /^tsctr: .*"-v": executable file not found/)
  })

  test('are users, directories and signals only where they can be', async () => {
    for (const [args, message] of [
      [['exec', '-u=--help', 'dashed', 'true'], /^tsctr: .*--help/],
      [['exec', '-w=--help', 'dashed', 'true'], /^tsctr: --workdir "--help": must be an absolute/],
      [['kill', '-s=--all', 'dashed'], /^tsctr: --signal signal "--all": no such signal/],
      [['stop', '-s=-9', 'dashed'], /^tsctr: --signal signal "-9": no such signal/],
      [['run', '--rm', '--name=-x', 'busybox'], /^tsctr: --name "-x": not a name/],
      [['run', '--rm', '--hostname=-x', 'busybox'], /^tsctr: --hostname "-x": not a host name/],
      [['run', '--rm', '--network=-x', 'busybox'], /^tsctr: --network network "-x": not a/],
      [['run', '--rm', '--network-alias=-x', 'busybox'], /^tsctr: --network-alias "-x": not a/],
      [['run', '--rm', '--ip=-x', 'busybox'], /^tsctr: --ip "-x": not an IPv4 address/],
      [['run', '--rm', '--mac-address=-x', 'busybox'], /^tsctr: --mac-address "-x": not a/],
      [
        ['run', '--rm', '-v=-x:/data', 'busybox'],
        /^tsctr: --volume volume "-x": not a volume name/,
      ],
    ] as const) {
      const result = await sandbox.run(args)
      assert.match(result.stderr, message)
      assert.ok(result.exitCode === 1 || result.exitCode === 125)
    }
  })

  test('are operands behind --', async () => {
    for (const [command, message] of [
      ['rmi -- --all', /^tsctr: image --all: no such image/],
      ['pull -- --all-tags', /^tsctr: --all-tags: invalid reference format/],
      ['push -- -x', /^tsctr: -x: invalid reference format/],
      ['tag busybox -- -x', /^tsctr: -x: invalid reference format/],
      ['logs -- --help', /^tsctr: container --help: no such container/],
      ['network create -- -x', /^tsctr: network "-x": not a network name/],
      ['network rm -- --all', /^tsctr: network --all: no such network/],
      ['volume create -- -x', /^tsctr: volume "-x": not a volume name/],
      ['top dashed --version', /^tsctr: ps --version: shows no PID column/],
    ] as const) {
      const { stdout, stderr, exitCode } = await sandbox.run(command.split(' '))
      assert.match(stderr, message)
      assert.deepEqual({ stdout, exitCode }, { stdout: '', exitCode: 1 })
    }
  })

  test('are files', async () => {
    assert.equal((await inDirectory('save -o=-x.tar busybox')).stderr, '')
    assert.match((await inDirectory('load -i=-x.tar')).stdout, /^Loaded image: busybox:latest/)
    await inDirectory('cp -- dashed:/etc/passwd -passwd')
    await inDirectory('cp -- -passwd dashed:/-passwd')
    assert.equal(
      await sandbox.succeeds('exec', 'dashed', 'cat', '/-passwd'),
      readFileSync(join(sandbox.directory, '-passwd'), 'utf8').trimEnd(),
    )
    const log = ['path=-log', 'max-size=1m', 'max-file=3', 'tag=--help']
    const flags = log.map((option) => `--log-opt=${option}`).join(' ')
    const ran = await inDirectory(`run --rm --network=none ${flags} busybox echo logged`)
    assert.equal(ran.stdout, 'logged\n')
    const kept = readdirSync(sandbox.directory).filter((name) => name.startsWith('-log'))
    assert.deepEqual(kept, ['-log', '-log.0'])
    assert.match(readFileSync(join(sandbox.directory, '-log'), 'utf8'), /stdout F logged\n$/)
  })

  test('are a runtime', async () => {
    const calls = join(sandbox.directory, 'calls')
    const runtime = join(sandbox.directory, '--version')
    writeFileSync(runtime, `#!/bin/sh\necho "$@" >>'${calls}'\nexec runc "$@"\n`)
    chmodSync(runtime, 0o755)
    const run = 'run --rm --network none --runtime ./--version busybox echo by itself'
    assert.deepEqual(await inDirectory(run), { stdout: 'by itself\n', stderr: '', exitCode: 0 })
    // What the runtime gets of ours alone: options, and the id.
    const words = readFileSync(calls, 'utf8').trim().split(/\s+/)
    assert.ok(words.includes('create') && words.includes('start'))
    const operand = /^(--[a-z-]+|[a-z]+|\d+|\/.*|[0-9a-f]{64})$/
    assert.deepEqual(
      words.filter((word) => !operand.test(word)),
      [],
    )
  })

  test('leave a container that ends as its image says', async () => {
    const inspect = ['inspect', '-f', '{{.Config.StopSignal}}', 'dashed']
    assert.equal(await sandbox.succeeds(...inspect), '9')
    await sandbox.succeeds('stop', 'dashed')
    await sandbox.succeeds('rm', '-f', 'dashed', 'imaged')
    assert.ok(!existsSync(join(sandbox.directory, '--help')))
  })
})
