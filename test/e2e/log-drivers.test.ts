import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsPrograms, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type RunResult, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()
const journald = '/lib/systemd/systemd-journald'

describe('log drivers and --log-opt', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  const shell = (script: string): string[] => ['--network', 'none', 'busybox', 'sh', '-c', script]

  async function directoryOf(name: string): Promise<string> {
    const id = (await succeeds('inspect', '-f', '{{.Id}}', name)).trim()
    return join(sandbox.dataRoot, 'containers', id)
  }

  /** Until it holds; the test's own time limit ends it. */
  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await sleep(20)
  }

  const numbers = (text: string): number[] => text.trimEnd().split('\n').map(Number)

  test('none keeps nothing, and logs says so', async () => {
    const { stdout } = await sandbox.run([
      ...['run', '--name', 'unlogged', '--log-driver', 'none'],
      ...shell('echo seen'),
    ])
    assert.equal(stdout, 'seen\n')
    assert.equal(existsSync(join(await directoryOf('unlogged'), 'log')), false)
    for (const flags of [[], ['-f'], ['--clear']]) {
      assert.deepEqual(await sandbox.run(['logs', ...flags, 'unlogged']), {
        stdout: '',
        stderr: 'tsctr: container unlogged: configured logging driver does not support reading\n',
        exitCode: 1,
      })
    }
  })

  test('inspect shows the driver and its options as typed', async () => {
    const flags = ['--log-driver=json-file', '--log-opt', 'max-size=10m', '--log-opt=max-file=3']
    await succeeds('create', '--name', 'shown', ...flags, 'busybox')
    assert.equal(
      await succeeds('inspect', '-f', '{{json .HostConfig.LogConfig}}', 'shown'),
      '{"Type":"json-file","Config":{"max-file":"3","max-size":"10m"}}\n',
    )
  })

  test('a path is written to and read from, and stays when the container goes', async () => {
    const path = join(sandbox.directory, 'own.log')
    await sandbox.run(['run', '--name', 'own', '--log-opt', `path=${path}`, ...shell('echo x')])
    assert.match(readFileSync(path, 'utf8'), /^\S+ stdout F x\n$/)
    assert.equal(await succeeds('logs', 'own'), 'x\n')
    assert.equal(await succeeds('inspect', '-f', '{{.LogPath}}', 'own'), `${path}\n`)
    await succeeds('rm', 'own')
    assert.ok(existsSync(path))
  })

  test('--details shows the tag, labels and variables that were chosen', async () => {
    await sandbox.run([
      ...['run', '--name', 'detailed', '-l', 'role=web', '-l', 'other=1', '-e', 'A_B=c d'],
      ...['--log-opt', 'labels=role,none', '--log-opt', 'env-regex=^A_', '--log-opt'],
      ...['tag={{.Name}}/{{.ImageName}}', ...shell('echo x; echo y >&2')],
    ])
    assert.deepEqual(await sandbox.run(['logs', '--details', 'detailed']), {
      stdout: 'A_B=c+d,role=web,tag=detailed%2Fbusybox x\n',
      stderr: 'A_B=c+d,role=web,tag=detailed%2Fbusybox y\n',
      exitCode: 0,
    })
  })

  test('max-size bounds the log; without max-file only the newest file is kept', async () => {
    const script = 'i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done'
    await sandbox.run(['run', '--name', 'bounded', '--log-opt', 'max-size=10k', ...shell(script)])
    const directory = await directoryOf('bounded')
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('log')),
      ['log'],
    )
    assert.ok(statSync(join(directory, 'log')).size <= 10 * 1024)
    const kept = numbers(await succeeds('logs', 'bounded'))
    assert.equal(kept.at(-1), 2999)
    assert.deepEqual(
      kept,
      Array.from(kept, (_, n) => 3000 - kept.length + n),
    )
  })

  test('max-file keeps older files; logs reads them as one', async () => {
    // About 50 bytes a record, at a speed that leaves the keeper time.
    const script =
      'i=0; while [ $i -lt 400 ]; do echo $i; i=$((i+1)); usleep 2000; done; sleep 1000'
    const flags = ['--log-opt', 'max-size=4k', '--log-opt', 'max-file=3']
    await succeeds('run', '-d', '--name', 'several', ...flags, ...shell(script))
    const following = sandbox.start(['logs', '-f', 'several'])
    await until(async () => numbers(await succeeds('logs', '-n1', 'several'))[0] === 399)
    const directory = await directoryOf('several')
    const files = (): string[] =>
      readdirSync(directory).filter((name) => /^log(\.\d+)?$/.test(name))
    await until(() => files().length === 4)
    assert.deepEqual(files().sort(), ['log', 'log.0', 'log.1', 'log.2'])
    for (const name of files()) assert.ok(statSync(join(directory, name)).size <= 4096, name)
    const kept = numbers(await succeeds('logs', 'several'))
    assert.deepEqual(
      kept,
      Array.from(kept, (_, n) => 400 - kept.length + n),
    )
    assert.ok(kept.length > 150, `${kept.length} lines in three files of some 80`)
    assert.deepEqual(numbers(await succeeds('logs', '-n', '120', 'several')), kept.slice(-120))
    await succeeds('rm', '-f', 'several')
    // From the first line on, through all files that there were.
    assert.deepEqual(
      numbers((await following.finished).stdout),
      Array.from({ length: 400 }, (_, n) => n),
    )
  })

  test('the keeper ends with the container, and the next start has its own', async () => {
    const flags = ['--log-opt', 'max-size=4k', '--log-opt', 'max-file=2']
    await succeeds('run', '-d', '--name', 'kept', ...flags, ...shell('echo up; sleep 1000'))
    const log = join(await directoryOf('kept'), 'log')
    assert.equal(keepersOf(log).length > 0, true)
    await succeeds('stop', '-t', '0', 'kept')
    await until(() => keepersOf(log).length === 0)
    await succeeds('start', 'kept')
    await until(() => keepersOf(log).length > 0)
    assert.equal(await succeeds('logs', 'kept'), 'up\nup\n')
    await succeeds('rm', '-f', 'kept')
    await until(() => keepersOf(log).length === 0)
  })

  const journal = needsPrograms('unshare', 'journalctl') || needsFile(journald)

  test('journald gets the output with its tag, and logs reads it', { skip: journal }, async () => {
    const { stdout, stderr } = await withJournal([
      `run --name noted --network none --log-driver journald --log-opt tag=t-{{.Name}} busybox sh -c 'echo out; echo err >&2'`,
      `logs noted`,
      `inspect -f '{{.HostConfig.LogConfig.Type}} <{{.LogPath}}>' noted`,
    ])
    assert.equal(stderr, 'err\nerr\n')
    assert.match(stdout, /^out\nout\njournald <>\n/)
    const entries = stdout.split('\n').filter((line) => line.startsWith('{'))
    const written = entries.map((line) => JSON.parse(line) as Record<string, string>)
    assert.deepEqual(
      written.map((entry) => [entry.MESSAGE?.trim(), entry.PRIORITY, entry.CONTAINER_TAG]),
      [
        ['out', '6', 't-noted'],
        ['err', '3', 't-noted'],
      ],
    )
  })

  /** Run tsctr where a journald of its own listens, then show what that has of `noted`. */
  function withJournal(commands: readonly string[]): Promise<RunResult> {
    const script = `
      mount -t tmpfs tmpfs /run/systemd; mkdir /run/systemd/journal
      mkdir -p /run/log; mount -t tmpfs tmpfs /run/log; mkdir /run/log/journal
      ${journald} >/dev/null 2>&1 & journal=$!
      until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
      ${commands.map((command) => `"$0" ${command}`).join('\n')}
      "$0" rm -f noted >/dev/null
      journalctl --sync 2>/dev/null || sleep 1
      journalctl -D /run/log/journal --no-pager -o json CONTAINER_NAME=noted
      kill $journal`
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, sandbox.program]
    return sandbox.run(args, { program: 'unshare' })
  }

  const noJournal = existsSync('/run/systemd/journal/socket') && 'needs a host without a journal'

  test('journald is refused where there is none', { skip: noJournal }, async () => {
    const { exitCode, stderr } = await sandbox.run([
      ...['run', '--name', 'never', '--log-driver', 'journald'],
      ...shell('true'),
    ])
    assert.equal(exitCode, 125)
    assert.match(stderr, /^tsctr: --log-driver journald: no journal on this host: .*\nhint: /)
    assert.equal((await sandbox.run(['container', 'exists', 'never'])).exitCode, 1)
  })

  test('what a driver cannot do is refused before anything is made', async () => {
    const { exitCode, stderr } = await sandbox.run([
      ...['run', '--name', 'never', '--log-opt', 'compress=true'],
      ...shell('true'),
    ])
    assert.equal(exitCode, 125)
    assert.match(stderr, /^tsctr: --log-opt compress: log driver k8s-file has no such option\n/)
    assert.equal((await sandbox.run(['container', 'exists', 'never'])).exitCode, 1)
  })
})

function needsFile(path: string): string | false {
  return existsSync(path) ? false : `needs ${path}`
}

/** Processes that name the log in their arguments and are no monitor. */
function keepersOf(log: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return args.includes(log)
    } catch {
      return false
    }
  })
}
