import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsOverlay, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('commands that look after the store', { skip: needsOverlay() || needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'redis:alpine')
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
    const { stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 1, `tsctr ${args.join(' ')}`)
    return stderr
  }

  const blobPath = (digest: string): string =>
    join(sandbox.dataRoot, 'content/blobs/sha256', digest.replace('sha256:', ''))

  async function digestOf(kind: RegExp): Promise<string> {
    const format = '{{.Digest}} {{.MediaType}}'
    const lines = (await succeeds('content', 'ls', '--no-trunc', '--format', format)).split('\n')
    return lines.find((line) => kind.test(line))?.split(' ')[0] ?? assert.fail(String(kind))
  }

  function mountsBelow(path: string): string[] {
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
    return lines.filter((line) => line.split(' ')[4]?.startsWith(path))
  }

  test('content fetch brings blobs and unpacks nothing', async () => {
    const name = await succeeds('content', 'fetch', '-q', 'busybox')
    assert.equal(name, 'docker.io/library/busybox:latest\n')
    assert.equal((await succeeds('snapshot', 'ls', '-q')).trim().split('\n').length, 6)
    assert.match(
      await succeeds('image', 'check', 'busybox'),
      /^REF +TYPE +DIGEST +STATUS +SIZE +UNPACKED\nbusybox:latest +\S+manifest\S+ +\w{12} +complete \(3\/3\) +(\S+)\/\1 +false\n$/,
    )
    await succeeds('rmi', 'busybox')
  })

  test('content ingest stores stdin, and gc keeps it until its label goes', async () => {
    const bytes = Buffer.from('a note of mine')
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    const run = (...args: string[]) => sandbox.run(['content', 'ingest', ...args], { input: bytes })
    const wrong = await run('--expected-size', '3')
    assert.deepEqual(
      [wrong.stderr, wrong.exitCode],
      [`tsctr: blob ${digest}: expected 3 bytes, got 14\n`, 1],
    )
    const other = `sha256:${'0'.repeat(64)}`
    assert.match(
      (await run('--expected-digest', other)).stderr,
      /: expected sha256:0+, got sha256:/,
    )
    assert.equal(existsSync(blobPath(digest)), false)
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'content/ingest')), [])
    const { stdout } = await run('--expected-digest', digest, '--expected-size', '14')
    assert.equal(stdout, `${digest}\n`)
    assert.equal(await succeeds('gc'), 'Total reclaimed space: 0B\n')
    assert.equal(await succeeds('content', 'get', digest), bytes.toString())
    const labels = await succeeds('content', 'label', digest, 'a=b', 'containerd.io/gc.root=')
    assert.equal(labels, 'a=b\n')
    assert.match(await succeeds('content', 'ls', '--format', 'wide'), /octet-stream +a=b/)
    assert.match(
      await succeeds('gc', '--dry-run'),
      new RegExp(`^${digest} 14B: no image names it$`, 'm'),
    )
    assert.equal(await succeeds('content', 'rm', digest.slice(7, 27)), `${digest}\n`)
    assert.equal(existsSync(blobPath(digest)), false)
  })

  test('content rm refuses what an image needs, and says which', async () => {
    const layer = await digestOf(/layer/)
    assert.equal(
      await fails('content', 'rm', layer),
      `tsctr: blob ${layer}: needed by redis:alpine\nhint: tsctr content rm -f ${layer}\n`,
    )
    assert.ok(existsSync(blobPath(layer)))
    await succeeds('content', 'rm', '-f', layer)
    assert.equal(existsSync(blobPath(layer)), false)
    const { stdout, stderr, exitCode } = await sandbox.run(['image', 'check', 'redis:alpine'])
    assert.match(stdout, /incomplete \(8\/9\) .* true\n$/)
    assert.deepEqual([stderr, exitCode], [`redis:alpine: layer ${layer}: missing\n`, 1])
    await succeeds('pull', '-q', 'redis:alpine')
    assert.match(await succeeds('image', 'check'), /complete \(9\/9\)/)
  })

  test('content verify finds a blob that was changed or lost, and who needs it', async () => {
    assert.equal(await succeeds('content', 'verify'), '9 blobs read, 0 damaged or missing\n')
    const changed = await digestOf(/layer/)
    const lost = await digestOf(/config/)
    const bytes = readFileSync(blobPath(changed))
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    chmodSync(blobPath(changed), 0o644)
    writeFileSync(blobPath(changed), bytes)
    rmSync(blobPath(lost))
    const { stdout, exitCode } = await sandbox.run(['content', 'verify'])
    const lines = stdout.trimEnd().split('\n')
    assert.equal(exitCode, 1)
    assert.equal(lines.at(-1), '9 blobs read, 2 damaged or missing')
    assert.ok(lines.some((line) => line.startsWith(`${changed}: damaged: its bytes are sha256:`)))
    assert.ok(lines.includes(`${lost}: missing: its file is missing; needed by redis:alpine`))
    assert.equal((await sandbox.run(['content', 'verify', changed])).exitCode, 1)
    assert.equal((await sandbox.run(['content', 'verify', await digestOf(/index/)])).exitCode, 0)
    await succeeds('content', 'rm', '-f', changed, lost)
    await succeeds('pull', '-q', 'redis:alpine')
    assert.match(await succeeds('image', 'check', '--verify'), /complete \(9\/9\)/)
  })

  test('snapshot info, usage and rm', async () => {
    const info = JSON.parse(await succeeds('snapshot', 'info', '2'))
    assert.deepEqual([info.Number, info.Kind, info.Users], [2, 'committed', ['redis:alpine']])
    assert.equal(info.Directory, join(sandbox.dataRoot, 'snapshots/2/fs'))
    const du = execFileSync('du', ['-s', '-B1', info.Directory], { encoding: 'utf8' })
    const usage = await succeeds('snapshot', 'usage', '-b', info.Name.slice(7, 20))
    assert.equal(
      usage.replaceAll(/ +/g, ' '),
      `KEY SIZE INODES\n${info.Name} ${Number.parseInt(du, 10)} ${info.Inodes}\n`,
    )
    assert.equal((await succeeds('snapshot', 'usage')).trimEnd().split('\n').length, 7)
    assert.match(
      await fails('snapshot', 'rm', '6'),
      /^tsctr: snapshot sha256:\w+: needed by redis:alpine\n$/,
    )
    assert.ok(existsSync(join(sandbox.dataRoot, 'snapshots/6')))
  })

  test('image mount shows the image read-only, and keeps it from rmi and gc', async () => {
    const target = (await succeeds('image', 'mount', 'redis:alpine')).trim()
    try {
      assert.match(readFileSync(join(target, 'etc/passwd'), 'utf8'), /^redis:/m)
      assert.throws(() => mkdirSync(join(target, 'new')), { code: 'EROFS' })
      assert.match(
        await succeeds('image', 'mount'),
        new RegExp(`^IMAGE +IMAGE ID +TARGET\nredis:alpine +\\w{12} +${target}\n$`),
      )
      assert.match(
        await fails('rmi', 'redis:alpine'),
        new RegExp(`image is mounted at ${target}\nhint: tsctr image unmount ${target}\n$`),
      )
      assert.match(await fails('snapshot', 'rm', '7'), new RegExp(`needed by mount ${target}\n`))
      assert.equal(await succeeds('image', 'prune', '-af'), 'Total reclaimed space: 0B\n')
      await succeeds('rmi', '-f', 'redis:alpine')
      await succeeds('gc')
      assert.match(readFileSync(join(target, 'etc/passwd'), 'utf8'), /^redis:/m)
    } finally {
      assert.equal(await succeeds('image', 'unmount', 'redis:alpine'), `${target}\n`)
    }
    assert.deepEqual(mountsBelow(sandbox.directory), [])
    assert.equal(existsSync(target), false)
    assert.match(await succeeds('gc'), /no image and no container needs it/)
    assert.equal(await succeeds('snapshot', 'ls', '-q'), '')
    await succeeds('pull', '-q', 'redis:alpine')
  })

  test('image mount on a directory of one’s own, unmounted by it, or all', async () => {
    const directory = join(sandbox.directory, 'view')
    mkdirSync(directory)
    assert.equal(await succeeds('image', 'mount', 'redis:alpine', directory), `${directory}\n`)
    assert.match(
      await fails('image', 'mount', 'redis:alpine', directory),
      /mounted there already\n$/,
    )
    const own = (await succeeds('image', 'mount', 'redis:alpine')).trim()
    assert.equal(await succeeds('image', 'unmount', directory), `${directory}\n`)
    assert.deepEqual(readdirSync(directory), [])
    assert.equal(await succeeds('image', 'unmount', '--all'), `${own}\n`)
    assert.deepEqual(mountsBelow(sandbox.directory), [])
    assert.match(await fails('image', 'mount', 'redis:alpine', '/nowhere'), /no such directory\n$/)
    assert.match(await fails('image', 'mount', 'nothing'), /^tsctr: image nothing:latest: not here/)
    assert.match(await fails('image', 'unmount', 'nothing'), /nothing of tsctr's is mounted there/)
    assert.match(await fails('image', 'unmount'), /say what to unmount/)
    assert.equal(await succeeds('image', 'mount', '--format', '{{.Target}}'), '')
  })

  test('snapshot view shows the layers up to one', async () => {
    const [first = ''] = (await succeeds('snapshot', 'ls', '-q')).split('\n')
    const target = (await succeeds('snapshot', 'view', first)).trim()
    assert.ok(statSync(join(target, 'bin')).isDirectory())
    assert.match(await succeeds('image', 'mount'), /^<none> /m)
    assert.equal(await succeeds('snapshot', 'unmount', target), `${target}\n`)
    assert.deepEqual(mountsBelow(sandbox.directory), [])
    assert.match(await fails('snapshot', 'view', '999'), /no such snapshot\n/)
  })

  test('a reboot clears mounts: gc takes their snapshots', async () => {
    const target = (await succeeds('image', 'mount', 'redis:alpine')).trim()
    execFileSync('umount', [target])
    const database = join(sandbox.dataRoot, 'meta.db')
    const sql = `UPDATE snapshot SET owner_boot_id = 'another boot' WHERE kind = 'view'`
    const script = `new (require('better-sqlite3'))(process.argv[1]).exec(process.argv[2])`
    execFileSync(process.execPath, ['-e', script, database, sql])
    assert.equal(await succeeds('image', 'mount', '--format', '{{.Target}}'), '')
    assert.match(
      await succeeds('gc'),
      new RegExp(`: ${target}: not mounted since the last reboot\n`),
    )
    assert.equal((await succeeds('snapshot', 'ls', '-q')).trim().split('\n').length, 6)
  })

  test('content active and lease ls show a pull that goes on, then one that was killed', async () => {
    const titles = 'ID        CREATED   OWNER     EXPIRES   PURPOSE   HOLDS\n'
    assert.equal(await succeeds('lease', 'ls'), titles)
    assert.match(await succeeds('content', 'active'), /^REF +SIZE +TOTAL +AGE +PID +STATE\n$/)
    const script = join(import.meta.dirname, '../gc/unfinished-pull.ts')
    const node = ['--disable-warning=ExperimentalWarning', script, sandbox.dataRoot]
    const pull = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await once(pull.stdout, 'data')
      const format = '{{.Ref}} {{.TotalBytes}} {{.Pid}} {{.State}}'
      const active = await succeeds('content', 'active', '--format', format)
      assert.equal(active, `layer 29 ${pull.pid} alive\n`)
      const held = new RegExp(
        `${pull.pid} \\(alive\\) +with its process +pull +2 blobs, 1 snapshots\n$`,
      )
      assert.match(await succeeds('lease', 'ls'), held)
      assert.match(await succeeds('snapshot', 'ls'), new RegExp(`pull \\(process ${pull.pid}\\)`))
      assert.equal(await succeeds('gc'), 'Total reclaimed space: 0B\n')
    } finally {
      pull.kill('SIGKILL')
      await once(pull, 'close')
    }
    assert.match(await succeeds('content', 'active'), new RegExp(` ${pull.pid} +dead\n$`))
    const died = `process ${pull.pid} is gone`
    const said = await succeeds('gc')
    assert.match(said, new RegExp(`^Snapshots:\nextract layer .*: left by \`pull\`: ${died}$`, 'm'))
    assert.match(said, new RegExp(`^Leases:\npull: ${died}$`, 'm'))
    assert.equal(await succeeds('lease', 'ls'), titles)
  })
})
