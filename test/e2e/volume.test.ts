import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('volumes', { skip: needsContainers() || needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
    await succeeds('pull', '-q', 'redis:alpine')
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  const run = (...args: string[]): Promise<string> =>
    succeeds('run', '--rm', '--network', 'none', ...args)
  const dataOf = (name: string): string => join(sandbox.dataRoot, 'volumes', name, '_data')

  test('a named volume keeps what one container writes for the next, and ro keeps it from writing', async () => {
    await run('-v', 'kept:/data', 'busybox', 'sh', '-c', 'echo hello > /data/note')
    assert.equal(await run('-v', 'kept:/elsewhere', 'busybox', 'cat', '/elsewhere/note'), 'hello')
    assert.ok(existsSync(join(dataOf('kept'), 'note')))
    const { exitCode, stderr } = await sandbox.run([
      ...['run', '--rm', '--network', 'none', '--mount', 'src=kept,dst=/data,ro', 'busybox'],
      ...['touch', '/data/more'],
    ])
    assert.equal(exitCode, 1)
    assert.match(stderr, /Read-only file system/)
  })

  test('an empty volume takes what the image has there, once, with owners, modes and links', async () => {
    // Without the number of links: those of the image have names elsewhere too.
    const script = `ls -lan /usr/share/redis | awk '$NF != ".." && NR > 1 { $2 = ""; print }'`
    const before = await run('--entrypoint', 'sh', 'redis:alpine', '-c', script)
    const args = ['-v', 'filled:/usr/share/redis', '--entrypoint', 'sh', 'redis:alpine', '-c']
    assert.equal(await run(...args, script), before)
    assert.deepEqual(readdirSync(join(dataOf('filled'), '..')).sort(), ['_data', 'lock'])
    await run(...args, 'rm /usr/share/redis/hardlink; mknod /usr/share/redis/mine c 1 3')
    const after = await run(...args, script)
    assert.match(after, /mine/)
    assert.doesNotMatch(after, /hardlink/)
    assert.equal(
      await run('-v', 'empty:/usr/share/redis:nocopy', ...args.slice(2), 'ls /usr/share/redis'),
      '',
    )
  })

  test('a copy that was interrupted is finished by the next start', async () => {
    await succeeds('volume', 'create', 'halfway')
    const directory = join(dataOf('halfway'), '..')
    mkdirSync(join(directory, 'copied'))
    writeFileSync(join(directory, 'copied', 'second'), '2')
    writeFileSync(join(directory, '_data', 'first'), '1')
    mkdirSync(join(directory, 'copying'))
    assert.equal(
      await run('-v', 'halfway:/etc', 'busybox', 'cat', '/etc/first', '/etc/second'),
      '12',
    )
    assert.equal(existsSync(join(directory, 'copied')), false)
  })

  test('the image’s volumes are anonymous ones: they go with --rm and rm -v, not with rm', async () => {
    const list = (): Promise<string> => succeeds('volume', 'ls', '-q', '--filter', 'dangling=true')
    const dangling = await list()
    await run('redis:alpine', 'true')
    assert.equal(await list(), dangling)
    await succeeds('create', '--name', 'with', 'redis:alpine')
    const format = '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}}{{end}}'
    const [type, name = '', target, isWritable] = (
      await succeeds('inspect', '-f', format, 'with')
    ).split(' ')
    assert.deepEqual([type, target, isWritable], ['volume', '/data', 'true'])
    assert.match(name, /^[0-9a-f]{64}$/)
    await succeeds('start', 'with')
    // The directory of the image belongs to its user redis.
    assert.equal(lstatSync(dataOf(name)).uid, 999)
    await succeeds('rm', '-f', 'with')
    assert.ok((await list()).includes(name))
    await succeeds('create', '--name', 'again', 'redis:alpine')
    await succeeds('rm', '-v', 'again')
    assert.deepEqual(
      (await list()).split('\n').sort(),
      [...dangling.split('\n'), name].filter(Boolean).sort(),
    )
    assert.match(
      await succeeds('volume', 'prune', '-f'),
      new RegExp(`^Deleted Volumes:\n${name}\n`),
    )
  })

  test('--volumes-from mounts what the other mounts, read-only if asked', async () => {
    await succeeds(
      'create',
      '--name',
      'source',
      '-v',
      'shared:/s',
      '-v',
      `${sandbox.directory}:/h`,
      'busybox',
    )
    const script = 'touch /s/new && ls -d /h && grep -c " /[sh] " /proc/mounts'
    assert.equal(await run('--volumes-from', 'source', 'busybox', 'sh', '-c', script), '/h\n2')
    const readOnly = ['run', '--rm', '--network', 'none', '--volumes-from', 'source:ro', 'busybox']
    const { exitCode } = await sandbox.run([...readOnly, 'touch', '/s/more'])
    assert.equal(exitCode, 1)
    await succeeds('rm', 'source')
  })

  test('a volume in use is not removed, and the answer names the container', async () => {
    await succeeds('create', '--name', 'holder', '-v', 'held:/d', 'busybox')
    const refused = await sandbox.run(['volume', 'rm', 'held'])
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /^tsctr: volume held: is used by container holder\n/)
    const inspected = JSON.parse(await succeeds('volume', 'inspect', 'held'))
    assert.equal(inspected[0].Mountpoint, dataOf('held'))
    assert.equal(inspected[0].Users[0].Name, 'holder')
    await succeeds('rm', 'holder')
    assert.equal(await succeeds('volume', 'rm', 'held'), 'held')
    assert.equal(existsSync(join(dataOf('held'), '..')), false)
    const missing = await sandbox.run(['volume', 'rm', 'held'])
    assert.equal(missing.exitCode, 1)
    assert.equal(await succeeds('volume', 'rm', '-f', 'held'), 'held')
  })

  test('a removal that was interrupted before its row was gone is taken back', async () => {
    await run('-v', 'rescued:/d', 'busybox', 'touch', '/d/precious')
    const directory = join(dataOf('rescued'), '..')
    renameSync(directory, join(sandbox.dataRoot, 'volumes', '.removed-rescued'))
    assert.equal(await run('-v', 'rescued:/d', 'busybox', 'ls', '/d'), 'precious')
  })

  test('ls shows docker’s columns and filters by label, name, driver and use', async () => {
    await succeeds('volume', 'create', '--label', 'team=one', 'labelled')
    const table = await succeeds('volume', 'ls', '--filter', 'label=team=one')
    assert.equal(table, 'DRIVER    VOLUME NAME\nlocal     labelled')
    assert.equal(await succeeds('volume', 'ls', '-q', '--filter', 'name=abell'), 'labelled')
    assert.equal(await succeeds('volume', 'ls', '-q', '--filter', 'label=team=two'), '')
    const list = (...filters: string[]): Promise<string> =>
      succeeds('volume', 'ls', '-q', ...filters.flatMap((filter) => ['--filter', filter]))
    await succeeds('create', '--name', 'user', '-v', 'used:/u', 'busybox')
    assert.equal(await list('name=used', 'dangling=false'), 'used')
    assert.equal(await list('name=used', 'dangling=true'), '')
    assert.equal(await list('name=used', 'driver=local'), 'used')
    assert.equal(await list('name=used', 'driver=nfs'), '')
    assert.equal(await list('label=team', 'label!=team=two'), 'labelled')
    for (const [filter, problem] of [
      ['dangling=maybe', 'must be true or false'],
      ['color=red', 'no such filter'],
    ]) {
      const { exitCode, stderr } = await sandbox.run(['volume', 'ls', '--filter', filter ?? ''])
      assert.match(stderr, new RegExp(`^tsctr: --filter "${filter}": ${problem}\n`))
      assert.equal(exitCode, 1)
    }
    await succeeds('rm', 'user')
  })

  // Fault list, b3 41.
  for (const text of ['../up:/d', 'a b:/d', '-x:/d', 'x/y:/d']) {
    test(`-v ${text} makes nothing`, async () => {
      const { exitCode, stderr } = await sandbox.run(['create', '-v', text, 'busybox'])
      if (text.startsWith('..')) return assert.equal(exitCode, 0)
      assert.equal(exitCode, 125)
      assert.match(stderr, /^tsctr: --volume volume .*: not a volume name/)
    })
  }
})
