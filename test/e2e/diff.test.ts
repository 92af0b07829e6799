import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { describeTree } from '../helpers/describe-tree.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

describe('diff, export, image diff and snapshot diff', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    const script = [
      'rm -r /usr/share/redis/*; echo x > /etc/motd.new; chmod 700 /var',
      'mkdir -p /made/deep; echo y > /made/deep/file; ln /made/deep/file /made/hard; ln -s /x /made/soft',
      'mkfifo /made/fifo; chown 5:6 /made/hard; touch -d @1000000000 /made/deep/file',
      'printf a > "$(printf "/made/esc\\033[1m")"',
      'touch /ready; exec sleep 1000',
    ].join('; ')
    const flags = [
      '-d',
      '--name',
      'box',
      '--network',
      'none',
      '-v',
      '/tmp:/volume',
      '--entrypoint',
      'sh',
    ]
    await succeeds('run', ...flags, 'redis:alpine', '-c', script)
    while (!(await succeeds('exec', 'box', 'sh', '-c', 'ls / | grep ready || true'))) {}
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

  async function fails(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 1)
    assert.equal(stdout, '')
    return stderr
  }

  /** What docker prints of these changes; it knows no placeholders of mounts either. */
  const changes = [
    'C /etc',
    'A /etc/motd.new',
    'A /made',
    'A /made/deep',
    'A /made/deep/file',
    'A /made/esc\\x1b[1m',
    'A /made/fifo',
    'A /made/hard',
    'A /made/soft',
    'A /ready',
    'C /usr',
    'C /usr/share',
    'C /usr/share/redis',
    'C /var',
    'A /volume',
  ]

  test('diff lists what a running and a stopped container has changed', async () => {
    const listed = (await succeeds('diff', 'box')).trimEnd().split('\n')
    const deleted = listed.filter((line) => line.startsWith('D '))
    assert.ok(deleted.length > 0)
    assert.ok(
      deleted.every((line) => line.startsWith('D /usr/share/redis/')),
      deleted.join(),
    )
    assert.deepEqual(
      listed.filter((line) => !line.startsWith('D ')),
      changes,
    )
    const paths = listed.map((line) => line.slice(2))
    assert.deepEqual(paths, paths.toSorted())
    await succeeds('kill', 'box')
    assert.deepEqual((await succeeds('container', 'diff', 'box')).trimEnd().split('\n'), listed)
    await succeeds('start', 'box')
    assert.match(await fails('diff', 'no-such'), /^tsctr: container no-such: no such container\n$/)
  })

  test('export gives the same tree of a running and a stopped container, as it is on disk', async () => {
    const running = await exported('running')
    await succeeds('kill', 'box')
    const stopped = await exported('stopped')
    assert.deepEqual(describeTree(stopped), describeTree(running))
    const redis = (
      await succeeds(
        'run',
        '--rm',
        '--network',
        'none',
        '--entrypoint',
        'sh',
        'redis:alpine',
        '-c',
        'ls / /usr/bin | wc -l',
      )
    ).trim()
    assert.ok(Number(redis) > 20)
    assert.equal(readFileSync(join(stopped, 'made/hard'), 'utf8'), 'y\n')
    assert.deepEqual(readdirSync(join(stopped, 'volume')), [], 'what is mounted is not in it')
    assert.deepEqual(readdirSync(join(stopped, 'usr/share/redis')), [])
    await succeeds('start', 'box')
  })

  async function exported(name: string): Promise<string> {
    const archive = join(sandbox.directory, `${name}.tar`)
    await succeeds('export', '-o', archive, 'box')
    const root = join(sandbox.directory, name)
    mkdirSync(root)
    execFileSync('tar', [
      '--xattrs',
      '--xattrs-include=*',
      '--numeric-owner',
      '-xpf',
      archive,
      '-C',
      root,
    ])
    return root
  }

  test('export to stdout is what goes to a file, and a terminal is refused', async () => {
    const archive = join(sandbox.directory, 'to-file.tar')
    await succeeds('export', '-o', archive, 'box')
    const shell = `exec "$0" export box > ${sandbox.directory}/to-stdout.tar`
    const { exitCode, stderr } = await sandbox.run(['-c', shell, sandbox.program], {
      program: 'sh',
    })
    assert.equal(exitCode, 0, stderr)
    const [one, other] = ['to-file', 'to-stdout'].map((name) =>
      execFileSync('tar', ['-tvf', join(sandbox.directory, `${name}.tar`)]).toString(),
    )
    assert.equal(one, other)
    const typescript = ['-qec', `${sandbox.program} export box`, '/dev/null']
    const onTerminal = await sandbox.run(typescript, { program: 'script' })
    assert.equal(onTerminal.exitCode, 1)
    assert.match(onTerminal.stdout, /cowardly refusing to save to a terminal/)
  })

  test('a failed or interrupted export leaves the old file', async () => {
    const archive = join(sandbox.directory, 'old.tar')
    writeFileSync(archive, 'old')
    assert.match(await fails('export', '-o', archive, 'no-such'), /no such container\n$/)
    assert.match(await fails('export', '-o', '/no/such/dir/x', 'box'), /invalid output path/)
    const running = sandbox.start(['export', '-o', archive, 'box'])
    while (!readdirSync(sandbox.directory).some((name) => name.startsWith('.old.tar'))) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    running.child.kill('SIGINT')
    assert.equal((await running.finished).exitCode, 130)
    assert.equal(readFileSync(archive, 'utf8'), 'old')
    assert.deepEqual(
      readdirSync(sandbox.directory).filter((name) => name.startsWith('.old')),
      [],
    )
  })

  test('image diff compares two images', async () => {
    await succeeds('commit', 'box', 'box:1')
    const listed = (await succeeds('image', 'diff', 'redis:alpine', 'box:1')).trimEnd().split('\n')
    assert.deepEqual(
      listed.filter((line) => !line.startsWith('D ')),
      changes,
    )
    assert.equal(await succeeds('image', 'diff', 'box:1', 'box:1'), '')
    const back = await succeeds('image', 'diff', 'box:1', 'redis:alpine')
    assert.match(back, /^D \/made$/m)
    assert.match(back, /^A \/usr\/share\/redis\/./m)
    assert.match(
      await fails('image', 'diff', 'box:1', 'no-such'),
      /^tsctr: image no-such: no such image\n/,
    )
  })

  test('snapshot diff gives a layer back byte for byte, and of two snapshots a layer', async () => {
    const snapshots = JSON.parse(
      await succeeds('image', 'inspect', '-f', '{{json .RootFS.Layers}}', 'box:1'),
    ) as string[]
    const layer = snapshots.at(-1) ?? ''
    const { stdout } = await sandbox.run(
      ['-c', `"$0" snapshot diff "$("$0" snapshot ls -q | tail -1)" | sha256sum`, sandbox.program],
      { program: 'sh' },
    )
    assert.equal(`sha256:${stdout.split(' ')[0]}`, layer)
    const { stdout: names } = await sandbox.run(
      ['-c', `"$0" snapshot diff 6 "$("$0" snapshot ls -q | tail -1)" | tar -t`, sandbox.program],
      { program: 'sh' },
    )
    assert.match(names, /^made\/deep\/file$/m)
    assert.match(names, /^usr\/share\/redis\/\.wh\./m)
    assert.match(
      await fails('snapshot', 'diff', 'no-such'),
      /^tsctr: snapshot no-such: no such snapshot/,
    )
    assert.equal(existsSync(join(sandbox.dataRoot, 'snapshots/7/fs/made')), true)
  })
})
