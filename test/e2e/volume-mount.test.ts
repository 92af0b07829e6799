import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'

const tmpfs = ['-o', 'type=tmpfs', '-o', 'device=tmpfs']

describe('volumes that are mounts', { skip: needsContainers() || needsRegistry() }, () => {
  let sandbox: RunSandbox
  before(async () => {
    sandbox = await createRunSandbox()
  })
  after(() => sandbox.close())

  const dataOf = (name: string): string => join(sandbox.dataRoot, 'volumes', name, '_data')
  const mountOf = (name: string): string | undefined =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((line) => line.split(' ')[4] === dataOf(name))
  const started = (name: string, ...flags: string[]): Promise<string> =>
    sandbox.succeeds(
      ...['run', '-d', '--network', 'none', '--name', name, ...flags],
      ...['busybox', 'sh', '-c', 'trap exit TERM; sleep 1000 & wait'],
    )

  test('a tmpfs is mounted by the first container that starts and unmounted when the last ends', async () => {
    await sandbox.succeeds('volume', 'create', ...tmpfs, '-o', 'o=size=1m,mode=0711,nosuid', 'fast')
    assert.equal(mountOf('fast'), undefined)
    await started('one', '-v', 'fast:/f')
    assert.match(mountOf('fast') ?? '', /nosuid.* - tmpfs tmpfs .*size=1024k,mode=711/)
    await sandbox.succeeds('exec', 'one', 'sh', '-c', 'echo seen > /f/note')
    await started('two', '-v', 'fast:/f')
    assert.equal(await sandbox.succeeds('exec', 'two', 'cat', '/f/note'), 'seen')
    const more = 'dd if=/dev/zero of=/f/big bs=1M count=2 2>&1 | grep -c "No space"'
    assert.equal(await sandbox.succeeds('exec', 'two', 'sh', '-c', more), '1')
    // cp reaches what is mounted, too.
    assert.match(await sandbox.succeeds('cp', 'volume:fast/note', '-'), /seen/)
    await sandbox.succeeds('stop', 'one')
    assert.notEqual(mountOf('fast'), undefined)
    await sandbox.succeeds('rm', '-f', 'two')
    assert.equal(mountOf('fast'), undefined)
    // A tmpfs forgets.
    await sandbox.succeeds('start', 'one')
    assert.equal(await sandbox.succeeds('exec', 'one', 'ls', '/f'), '')
    await sandbox.succeeds('rm', '-f', 'one')
    assert.deepEqual(readdirSync(dataOf('fast')), [])
    const refused = await sandbox.run(['cp', 'volume:fast/note', '-'])
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /^tsctr: volume fast: a tmpfs, which holds nothing/)
    await sandbox.succeeds('volume', 'rm', 'fast')
  })

  test('what everything died of is cleaned by the next command', async () => {
    await sandbox.succeeds('volume', 'create', ...tmpfs, 'orphan')
    const id = await started('killed', '-v', 'orphan:/f')
    const pids = ['conmon.pid', 'ctr.pid'].map((name) =>
      Number(readFileSync(join(sandbox.stateRoot, 'default', id, name), 'ascii')),
    )
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    assert.notEqual(mountOf('orphan'), undefined)
    for (let tries = 0; tries < 100 && pids.some(isRunning); tries++) await delay(20)
    assert.match(await sandbox.succeeds('ps', '-a'), /Exited/)
    assert.equal(mountOf('orphan'), undefined)
    await sandbox.succeeds('rm', 'killed')
  })

  test('a start that is killed after the mount leaves none for the next command', async () => {
    await sandbox.succeeds('volume', 'create', ...tmpfs, 'midway')
    for (let killAfterMs = 100; mountOf('midway') === undefined; killAfterMs += 5) {
      assert.ok(killAfterMs < 1500, 'never seen mounted')
      const args = ['run', '--network', 'none', '-v', 'midway:/f', 'busybox', 'sleep', '1000']
      const { child, finished } = sandbox.start(args)
      const deadline = Date.now() + 5000
      while (mountOf('midway') === undefined && Date.now() < deadline) await delay(1)
      child.kill('SIGKILL')
      await finished
    }
    await sandbox.succeeds('ps', '-a')
    for (const id of (await sandbox.succeeds('ps', '-aq')).split('\n').filter(Boolean)) {
      await sandbox.succeeds('rm', '-f', id)
    }
    assert.equal(mountOf('midway'), undefined)
    await sandbox.succeeds('volume', 'rm', 'midway')
  })

  test('a bind volume is a directory of the host: filled if empty, never removed with the volume', async () => {
    const source = join(sandbox.directory, 'exported')
    mkdirSync(source)
    const bind = ['-o', 'type=none', '-o', `device=${source}`, '-o', 'o=bind']
    await sandbox.succeeds('volume', 'create', ...bind, 'bound')
    const [volume] = JSON.parse(await sandbox.succeeds('volume', 'inspect', 'bound'))
    assert.deepEqual(volume.Options, { type: 'none', device: source, o: 'bind' })
    const listed = await sandbox.inside(['-v', 'bound:/etc'], 'touch /etc/mine; ls -A /etc')
    assert.match(listed, /^mine$/m)
    assert.deepEqual(
      readdirSync(source).sort(),
      listed.split('\n').filter((name) => existsSync(join(source, name))),
    )
    assert.ok(existsSync(join(source, 'passwd')), 'filled from the image')
    assert.equal(existsSync(join(source, '.tsctr-copied')), false)
    assert.deepEqual(readdirSync(dataOf('bound')), [])
    // Not mounted now: cp mounts it for itself.
    writeFileSync(join(sandbox.directory, 'new'), 'by cp')
    await sandbox.succeeds('cp', join(sandbox.directory, 'new'), 'volume:bound/')
    assert.equal(readFileSync(join(source, 'new'), 'utf8'), 'by cp')
    assert.equal(mountOf('bound'), undefined)
    await sandbox.succeeds('create', '--name', 'still', '-v', 'bound:/b', 'busybox')
    assert.match(await sandbox.succeeds('cp', 'still:/b/new', '-'), /by cp/)
    await sandbox.succeeds('rm', 'still')
    await sandbox.succeeds('volume', 'rm', 'bound')
    assert.ok(existsSync(join(source, 'passwd')))
  })

  test('a copy into what is mounted is finished by the next start, too', async () => {
    const source = join(sandbox.directory, 'halfway')
    mkdirSync(join(source, '.tsctr-copied'), { recursive: true })
    mkdirSync(join(source, '.tsctr-copying'))
    writeFileSync(join(source, '.tsctr-copied', 'second'), '2')
    writeFileSync(join(source, 'first'), '1')
    await sandbox.succeeds('volume', 'create', '-o', 'type=bind', '-o', `device=${source}`, 'half')
    assert.equal(await sandbox.inside(['-v', 'half:/etc'], 'cat /etc/first /etc/second'), '12')
    assert.equal(existsSync(join(source, '.tsctr-copied')), false)
    await sandbox.succeeds('volume', 'rm', 'half')
  })

  test('a read-only bind stays as it is', async () => {
    const source = join(sandbox.directory, 'read-only')
    mkdirSync(source)
    const options = ['-o', 'type=bind', '-o', `device=${source}`, '-o', 'o=ro']
    await sandbox.succeeds('volume', 'create', ...options, 'frozen')
    assert.equal(await sandbox.inside(['-v', 'frozen:/etc/x'], 'touch /etc/x/y || ls /etc/x'), '')
    await sandbox.succeeds('volume', 'rm', 'frozen')
  })

  test('where the mount fails the error names the volume, and nothing stays', async () => {
    const failing = [
      [
        'gone',
        ['type=none', 'device=/no/such/dir', 'o=bind'],
        /cannot mount \/no\/such\/dir, type bind: .*ENOENT/,
      ],
      [
        'odd',
        ['type=tmpfs', 'device=tmpfs', 'o=color=red'],
        /cannot mount tmpfs, type tmpfs: .*EINVAL/,
      ],
      ['alien', ['type=nosuchfs', 'device=x'], /cannot mount x, type nosuchfs: .*ENODEV/],
      [
        'lost',
        ['type=nfs', 'device=:/x', 'o=addr=no.such.host.invalid'],
        /no address of no.such.host.invalid/,
      ],
    ] as const
    for (const [name, options, words] of failing) {
      await sandbox.succeeds('volume', 'create', ...options.flatMap((o) => ['-o', o]), name)
      await sandbox.refuses(['--network', 'none', '-v', `${name}:/f`, 'busybox', 'true'], words)
      assert.equal(mountOf(name), undefined)
      await sandbox.succeeds('volume', 'rm', name)
    }
  })

  test('options that cannot be are refused, and other ones for a volume that is there', async () => {
    const refused = [
      [['-o', 'color=red', 'v1'], /^tsctr: option color: is unknown for the driver local\n/],
      [['-o', 'type=tmpfs', 'v1'], /^tsctr: option device: is missing\n/],
      [['-o', 'size=1g', 'v1'], /^tsctr: option size: /],
      [['-d', 'nfs', 'v1'], /^tsctr: --driver "nfs": no such driver\n/],
      [['x'.repeat(256)], /not a volume name/],
      [['--', '-lead'], /not a volume name/],
      [['a/b'], /not a volume name/],
    ] as const
    for (const [args, words] of refused) {
      const { exitCode, stderr } = await sandbox.run(['volume', 'create', ...args])
      assert.match(stderr, words)
      assert.equal(exitCode, 1)
    }
    assert.equal(await sandbox.succeeds('volume', 'ls', '-q', '--filter', 'name=v1'), '')
    await sandbox.succeeds('volume', 'create', 'plain')
    const other = await sandbox.run(['volume', 'create', ...tmpfs, 'plain'])
    assert.match(other.stderr, /^tsctr: volume plain: is there with other options\n/)
    assert.equal(other.exitCode, 1)
    await sandbox.succeeds('volume', 'rm', 'plain')
  })

  test('--mount makes a volume with options and labels', async () => {
    const mount = 'src=made,dst=/m,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-label=a=b'
    const shown = await sandbox.inside(['--mount', mount], 'grep -c "^tmpfs /m tmpfs" /proc/mounts')
    assert.equal(shown, '1')
    assert.equal(await sandbox.succeeds('volume', 'ls', '-q', '-f', 'label=a=b'), 'made')
    await sandbox.succeeds(
      'create',
      '--name',
      'asks',
      '--mount',
      `${mount},volume-nocopy`,
      'busybox',
    )
    const format = '{{json .HostConfig.Mounts}}'
    const [asked] = JSON.parse(await sandbox.succeeds('inspect', '-f', format, 'asks'))
    assert.deepEqual(asked.VolumeOptions, {
      NoCopy: true,
      Labels: { a: 'b' },
      DriverConfig: { Name: 'local', Options: { type: 'tmpfs', device: 'tmpfs' } },
    })
    await sandbox.succeeds('rm', 'asks')
    await sandbox.succeeds('volume', 'rm', 'made')
  })

  test('volume-subpath mounts a directory or a file of a volume, which no link leads out of', async () => {
    await sandbox.inside(
      ['-v', 'parts:/p'],
      'mkdir -p /p/a/b; echo in > /p/a/b/f; echo file > /p/a/g',
    )
    const sub = (path: string, target = '/s'): string[] => [
      ...['--mount', `type=volume,src=parts,dst=${target},volume-subpath=${path}`],
    ]
    assert.equal(await sandbox.inside(sub('a/b'), 'cat /s/f; touch /s/new; ls /s'), 'in\nf\nnew')
    assert.equal(await sandbox.inside(sub('a/g', '/etc/g'), 'cat /etc/g'), 'file')
    assert.ok(existsSync(join(dataOf('parts'), 'a', 'b', 'new')))
    // The image's /etc is not copied into a part.
    assert.equal(await sandbox.inside(sub('a/b', '/etc/x'), 'ls /etc/x'), 'f\nnew')
    symlinkSync('/etc', join(dataOf('parts'), 'out'))
    symlinkSync('a/b', join(dataOf('parts'), 'within'))
    assert.equal(await sandbox.inside(sub('within'), 'cat /s/f'), 'in')
    for (const path of ['out', 'missing', 'a/g/h']) {
      await sandbox.refuses(
        ['--network', 'none', ...sub(path), 'busybox', 'true'],
        new RegExp(`volume parts: has no ${path}\n`),
      )
    }
    await sandbox.refuses([...sub('../x'), 'busybox', 'true'], /volume-subpath must be a relative/)
    await sandbox.succeeds('create', '--name', 'parted', ...sub('a/b'), 'busybox')
    assert.match(await sandbox.succeeds('cp', 'parted:/s/f', '-'), /in/)
    await sandbox.succeeds('rm', 'parted')
    await sandbox.succeeds('volume', 'rm', 'parts')
  })

  test('a source of --mount that is missing is refused before anything is made; -v makes it', async () => {
    const missing = join(sandbox.directory, 'missing')
    const mount = `type=bind,src=${missing},dst=/m`
    await sandbox.refuses(
      ['--mount', mount, 'busybox', 'true'],
      new RegExp(`^tsctr: mount ${missing}: no such file or directory on the host\n`),
    )
    const { exitCode } = await sandbox.run([
      'create',
      '--name',
      'none',
      '--mount',
      mount,
      'busybox',
    ])
    assert.equal(exitCode, 125)
    assert.equal(await sandbox.succeeds('ps', '-aq'), '')
    await sandbox.inside(['-v', `${missing}:/m`], 'touch /m/f')
    assert.deepEqual(readdirSync(missing), ['f'])
    rmSync(missing, { recursive: true })
  })
})

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'ascii'))
  } catch {
    return false
  }
}
