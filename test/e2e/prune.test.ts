import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type RunResult, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('prune and df', { skip: needsContainers() || needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
  })
  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })
  beforeEach(async () => {
    await sandbox.run(['rm', '-f', 'up', 'ended', 'made'])
    await succeeds('pull', '-q', 'busybox')
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  function answered(input: string, ...args: string[]): Promise<RunResult> {
    return sandbox.run(args, { input })
  }

  async function make(...args: string[]): Promise<string> {
    const [verb = '', ...rest] = args
    const id = await succeeds(verb, ...(verb === 'run' ? ['-d'] : []), '--network', 'none', ...rest)
    return id.trim()
  }

  async function names(): Promise<string[]> {
    const lines = await succeeds('images', '--format', '{{.Repository}}:{{.Tag}}')
    return lines.split('\n').filter(Boolean).sort()
  }

  function blobs(): string[] {
    return readdirSync(join(sandbox.dataRoot, 'content/blobs/sha256')).sort()
  }

  test('image prune leaves what has a name, and takes what lost it', async () => {
    await succeeds('pull', '-q', 'redis:alpine')
    const id = (await succeeds('images', '-q', '--no-trunc', 'redis:alpine')).trim()
    await succeeds('tag', 'busybox', 'redis:alpine')
    const { stdout } = await answered('y\n', 'image', 'prune')
    const [warning = '', prompt = '', ...lines] = stdout.split('\n')
    assert.equal(warning, 'WARNING! This will remove all dangling images.')
    assert.match(prompt, /^Are you sure you want to continue\? \[y\/N\] Deleted Images:$/)
    // The id, and six layers.
    assert.match(
      lines.join('\n'),
      /^(deleted: sha256:[0-9a-f]{64}\n){7}\nTotal reclaimed space: [\d.]+MB\n$/,
    )
    assert.equal(lines[0], `deleted: ${id}`)
    assert.deepEqual(await names(), ['busybox:latest', 'redis:alpine'])
    assert.equal(await succeeds('image', 'prune', '-f'), 'Total reclaimed space: 0B\n')
  })

  test('image prune -a spares images of containers, running or not', async () => {
    await succeeds('pull', '-q', 'redis:alpine')
    await make('create', '--name', 'made', 'busybox', 'true')
    const freed = blobs()
    const text = await succeeds('image', 'prune', '--all', '--force')
    assert.match(
      text,
      /^Deleted Images:\nuntagged: redis:alpine\nuntagged: redis@sha256:\w+\ndeleted: sha256:/,
    )
    assert.match(text, /\n\nTotal reclaimed space: [\d.]+MB\n$/)
    assert.deepEqual(await names(), ['busybox:latest'])
    assert.ok(blobs().length < freed.length)
    await succeeds('rm', 'made')
    assert.match(await succeeds('image', 'prune', '-af'), /untagged: busybox:latest/)
    assert.deepEqual([await names(), blobs()], [[], []])
  })

  test('asks before, and takes y alone for an answer', async () => {
    const before = await names()
    for (const answer of ['n\n', '\n', 'yes\n']) {
      const { exitCode } = await answered(answer, 'image', 'prune', '-a')
      assert.equal(exitCode, 0)
    }
    const { stderr, exitCode } = await answered('', 'image', 'prune', '-a')
    assert.deepEqual(
      [stderr, exitCode],
      ['tsctr: image prune: not confirmed\nhint: tsctr image prune -f\n', 1],
    )
    assert.deepEqual(await names(), before)
  })

  test('image prune filters by label, time of building and last use', async () => {
    const all = await names()
    for (const filter of ['label=none', 'until=1000', 'unused-for=1h', 'dangling=true']) {
      await succeeds('image', 'prune', '-af', '--filter', filter)
      assert.deepEqual(await names(), all, filter)
    }
    await succeeds('image', 'prune', '-f', '--filter', 'unused-for=0s', '--filter', 'label!=none')
    assert.deepEqual(await names(), [])
    const { stderr, exitCode } = await sandbox.run(['image', 'prune', '-f', '--filter', 'id=1'])
    assert.deepEqual(
      [stderr.split('\n')[0], exitCode],
      ['tsctr: --filter "id=1": no such filter', 1],
    )
  })

  test('image prune --keep-size takes those longest unused, and no more than it must', async () => {
    await succeeds('pull', '-q', 'redis:alpine')
    // busybox is the one used last now: an image is used when a container of it goes, too.
    await make('create', '--name', 'made', 'busybox', 'true')
    await succeeds('rm', 'made')
    assert.equal(
      await succeeds('image', 'prune', '-f', '--keep-size', '1GB'),
      'Total reclaimed space: 0B\n',
    )
    const text = await succeeds('image', 'prune', '-f', '--keep-size', '10MB')
    assert.match(text, /untagged: redis:alpine/)
    assert.deepEqual(await names(), ['busybox:latest'])
    await make('create', '--name', 'made', 'busybox', 'true')
    const { stdout, stderr } = await sandbox.run(['image', 'prune', '-f', '--keep-size', '0'])
    assert.equal(stdout, 'Total reclaimed space: 0B\n')
    assert.match(stderr, /^WARNING: what is left is in use or kept by a filter, and takes [\d.]+MB/)
    const bad = await sandbox.run(['image', 'prune', '-f', '--keep-size', 'much'])
    assert.match(bad.stderr, /^tsctr: --keep-size "much": not a size/)
  })

  test('container prune takes what does not run', async () => {
    const up = await make('run', '--name', 'up', 'busybox', 'sleep', '1000')
    const ended = await make('run', '--name', 'ended', '-l', 'a=b', 'busybox', 'true')
    await succeeds('wait', 'ended')
    const made = await make('create', '--name', 'made', 'busybox', 'true')
    for (const filter of ['label=a=c', 'until=1h', 'label!=a', 'label=a']) {
      const text = await succeeds('container', 'prune', '-f', '--filter', filter)
      const deleted = filter === 'label!=a' ? made : filter === 'label=a' ? ended : undefined
      assert.match(
        text,
        deleted === undefined
          ? /^Total reclaimed space: 0B\n$/
          : new RegExp(`^Deleted Containers:\n${deleted}\n\nTotal reclaimed space: [\\d.]+k?B\n$`),
        filter,
      )
    }
    assert.equal(await succeeds('ps', '-aq', '--no-trunc'), `${up}\n`)
    const { stdout } = await answered('y\n', 'container', 'prune')
    assert.match(stdout, /^WARNING! This will remove all stopped containers\.\nAre you sure/)
    const { stderr } = await sandbox.run(['container', 'prune', '-f', '--filter', 'status=exited'])
    assert.match(stderr, /^tsctr: --filter "status=exited": no such filter here\nhint: until,/)
  })

  test('system df counts, and says what prune gives back', async () => {
    await succeeds('image', 'prune', '-af')
    await succeeds('pull', '-q', 'busybox')
    const empty = await succeeds('system', 'df')
    assert.match(empty, /^TYPE {12}TOTAL {5}ACTIVE {4}SIZE +RECLAIMABLE\n/)
    const size = /^Images +1 +0 +(\S+) +(\S+) \(100%\)$/m.exec(empty)
    assert.ok(size !== null && size[1] === size[2], empty)
    assert.match(empty, /^Containers +0 +0 +0B +0B$/m)
    assert.match(empty, /^Leftovers +0 +0 +0B +0B$/m)
    await make('run', '--name', 'up', 'busybox', 'sleep', '1000')
    await make(
      'run',
      '--name',
      'ended',
      'busybox',
      'dd',
      'if=/dev/zero',
      'of=/x',
      'bs=1k',
      'count=100',
    )
    await succeeds('wait', 'ended')
    const rows = (await succeeds('system', 'df', '--format', 'json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(rows[0], {
      Type: 'Images',
      TotalCount: '1',
      Active: '1',
      Size: size[1],
      Reclaimable: '0B (0%)',
    })
    assert.deepEqual([rows[1].TotalCount, rows[1].Active], ['2', '1'])
    assert.match(rows[1].Reclaimable, /^1\d\d(\.\d+)?kB \(9\d%\)$/)
    const verbose = await succeeds('system', 'df', '-v')
    assert.match(
      verbose,
      /^Images space usage:\n\nREPOSITORY +TAG .* SHARED SIZE +UNIQUE SIZE +CONT/,
    )
    assert.match(
      verbose,
      /\nContainers space usage:\n\nCONTAINER ID +IMAGE +COMMAND +SIZE +CREATED/,
    )
    const counts = '{{len .Images}} {{len .Containers}}'
    assert.equal(await succeeds('system', 'df', '-v', '--format', counts), '1 2\n')
  })

  test('system df tells the size that the files have', async () => {
    await succeeds('image', 'prune', '-af')
    await succeeds('pull', '-q', '--unpack', 'false', 'busybox')
    const directory = join(sandbox.dataRoot, 'content/blobs/sha256')
    const bytes = blobs().reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
    const size = await succeeds('system', 'df', '--format', '{{.Size}}')
    assert.equal(size.split('\n')[0], `${Number((bytes / 1e6).toPrecision(4))}MB`)
  })

  test('system prune takes containers, images and leftovers', async () => {
    await make('create', '--name', 'made', 'busybox', 'true')
    mkdirSync(join(sandbox.dataRoot, 'snapshots/9999/fs'), { recursive: true })
    const { stdout } = await answered('n\n', 'system', 'prune', '-a', '--filter', 'label!=x')
    assert.equal(
      stdout,
      `WARNING! This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all images without at least one container associated to them
  - what interrupted commands have left behind

  Items to be pruned will be filtered with:
  - label!=x

Are you sure you want to continue? [y/N] `,
    )
    const text = await succeeds('system', 'prune', '-af')
    assert.match(
      text,
      /^Deleted Containers:\n\w{64}\n\nDeleted Images:\n(untagged: .*\n)+(deleted: .*\n)+\nTotal recl/,
    )
    assert.deepEqual([await names(), blobs()], [[], []])
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'snapshots')), [])
  })

  test('system prune takes networks that no container is in, by the same filters', async () => {
    await succeeds('network', 'create', 'used')
    await succeeds('network', 'create', '--label', 'stay', 'labelled')
    await succeeds('network', 'create', 'unused')
    await succeeds('run', '-d', '--name', 'up', '--network', 'used', 'busybox', 'sleep', '1000')
    const names = (): Promise<string> => succeeds('network', 'ls', '--format', '{{.Name}}')
    const before = (await names()).trim().split('\n')
    const text = await succeeds('system', 'prune', '-f', '--filter', 'label!=stay')
    assert.match(text, /^Deleted Networks:\nunused\n\n/)
    assert.deepEqual(
      (await names()).trim().split('\n'),
      before.filter((name) => name !== 'unused'),
    )
    await succeeds('rm', '-f', 'up')
    const rest = await succeeds('system', 'prune', '-f')
    assert.match(rest, /Deleted Networks:\n(labelled\nused|used\nlabelled)\n\n/)
  })

  test('volume prune takes named volumes with -a, by labels; other filters mean nothing here', async () => {
    await succeeds('volume', 'create', '--label', 'team=one', 'first')
    await succeeds('volume', 'create', '--label', 'team=two', 'second')
    await succeeds('volume', 'create', 'third')
    await make('create', '--name', 'made', '-v', 'third:/t', 'busybox', 'true')
    assert.match(await succeeds('volume', 'prune', '-f'), /^Total reclaimed space: 0B\n$/)
    const one = await succeeds('volume', 'prune', '-f', '-a', '--filter', 'label=team=one')
    assert.match(one, /^Deleted Volumes:\nfirst\n\n/)
    const rest = await succeeds('volume', 'prune', '-f', '--filter', 'all=1')
    assert.match(rest, /^Deleted Volumes:\nsecond\n\n/)
    assert.equal(await succeeds('volume', 'ls', '-q'), 'third\n')
    for (const filter of [
      'dangling=true',
      'name=third',
      'driver=local',
      'all=maybe',
      'color=red',
    ]) {
      const { exitCode, stderr } = await sandbox.run(['volume', 'prune', '-f', '--filter', filter])
      assert.match(stderr, new RegExp(`^tsctr: --filter "${filter}": `))
      assert.equal(exitCode, 1)
    }
    await succeeds('rm', 'made')
    await succeeds('volume', 'rm', 'third')
  })

  test('system prune --volumes takes anonymous volumes that nobody has, and no others', async () => {
    await succeeds('volume', 'create', 'named')
    const volumes = ['-v', '/mine', '-v', 'named:/named']
    await make('run', '--name', 'up', '-v', '/kept', 'busybox', 'sleep', '1000')
    await make('create', '--name', 'made', ...volumes, 'busybox', 'true')
    const all = (await succeeds('volume', 'ls', '-q')).trim().split('\n')
    assert.equal(all.length, 3)
    const rows = await succeeds('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}}')
    assert.match(rows, /^Local Volumes 3 3$/m)
    const { stdout } = await answered('n\n', 'system', 'prune', '--volumes')
    assert.match(stdout, /^ {2}- all anonymous volumes not used by at least one container$/m)
    assert.doesNotMatch(await succeeds('system', 'prune', '-f'), /Volumes/)
    const text = await succeeds('system', 'prune', '-f', '--volumes')
    assert.match(text, /^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: /)
    const left = (await succeeds('volume', 'ls', '-q')).trim().split('\n')
    assert.equal(left.length, 2)
    assert.ok(left.includes('named'))
    const verbose = await succeeds('system', 'df', '-v')
    assert.match(verbose, /\nLocal Volumes space usage:\n\nVOLUME NAME +LINKS +SIZE\n/)
    assert.match(verbose, /^named +0 +[\d.]+k?B$/m)
    const { stderr } = await sandbox.run([
      'system',
      'prune',
      '-f',
      '--volumes',
      '--filter',
      'until=1h',
    ])
    assert.equal(stderr.split('\n')[0], 'tsctr: --filter until: not with --volumes')
    await succeeds('rm', '-f', 'up')
    await succeeds('volume', 'prune', '-af')
  })

  test('the journal tells images that went, and that there was a prune', async () => {
    await succeeds('image', 'prune', '-af')
    const past = ['events', '--since', '1h', '--until', '0s', '--filter', 'type=image']
    const lines = (await succeeds(...past, '--format', '{{.Action}} {{json .Actor.Attributes}}'))
      .trim()
      .split('\n')
      .slice(-3)
    assert.equal(lines[0], 'untag {"name":"busybox:latest"}')
    assert.match(lines[1] ?? '', /^delete \{"name":"sha256:[0-9a-f]{64}"\}$/)
    assert.match(lines[2] ?? '', /^prune \{"reclaimed":"\d{7}"\}$/)
  })
})
