import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
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
    const removed = join(sandbox.dataRoot, 'volumes', '.removed')
    mkdirSync(removed, { recursive: true })
    renameSync(directory, join(removed, 'rescued'))
    assert.equal(await run('-v', 'rescued:/d', 'busybox', 'ls', '/d'), 'precious')
  })

  // What was removed came back in the next volume of that name.
  test('a removal that was interrupted after its row was gone leaves nothing to the next', async () => {
    await run('-v', 'ghost:/d', 'busybox', 'touch', '/d/secret')
    const kept = join(sandbox.directory, 'kept')
    const stray = join(sandbox.dataRoot, 'volumes', 'stray')
    mkdirSync(stray)
    renameSync(join(dataOf('ghost'), '..'), kept)
    await succeeds('volume', 'rm', 'ghost')
    const removed = join(sandbox.dataRoot, 'volumes', '.removed')
    renameSync(kept, join(removed, 'ghost'))
    assert.equal(await run('-v', 'ghost:/d', 'busybox', 'ls', '/d'), '')
    await succeeds('volume', 'prune', '-f')
    assert.deepEqual(readdirSync(removed), [])
    await succeeds('volume', 'rm', 'ghost')
    assert.ok(existsSync(stray), 'what is not known to be removed stays')
    rmdirSync(stray)
  })

  // The directory that a removal moves it to had a longer name.
  test('a volume of the longest name is made and removed', async () => {
    const longest = 'x'.repeat(255)
    await run('-v', `${longest}:/d`, 'busybox', 'touch', '/d/f')
    assert.equal(await succeeds('volume', 'rm', longest), longest)
    assert.equal(existsSync(join(dataOf(longest), '..')), false)
  })

  test('two containers that start at once with a new volume find it whole', async () => {
    const script = `ls -lan /usr/share/redis | awk '$NF != ".." && NR > 1 { $2 = ""; print }'`
    const args = ['--entrypoint', 'sh', 'redis:alpine', '-c', script]
    const inImage = await run(...args)
    const both = ['-v', 'at-once:/usr/share/redis', ...args]
    assert.deepEqual(await Promise.all([run(...both), run(...both), run(...both)]), [
      inImage,
      inImage,
      inImage,
    ])
    assert.deepEqual(readdirSync(join(dataOf('at-once'), '..')).sort(), ['_data', 'lock'])
    await succeeds('volume', 'rm', 'at-once')
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
