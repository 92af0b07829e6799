import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsOverlay, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('looking into the store', { skip: needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox
  let digests: string[]

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await sandbox.run(['pull', '-q', 'redis:alpine'])
    digests = readdirSync(join(sandbox.dataRoot, 'content/blobs/sha256'))
      .sort()
      .map((hex) => `sha256:${hex}`)
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
    assert.deepEqual([stdout, exitCode], ['', 1])
    return stderr
  }

  test('content ls -q lists every blob by its whole digest', async () => {
    assert.equal(await succeeds('content', 'ls', '-q'), `${digests.join('\n')}\n`)
  })

  test('content ls tells size, media type and who needs it', async () => {
    await succeeds('tag', 'redis:alpine', 'other:1')
    const lines = (await succeeds('content', 'ls')).trimEnd().split('\n')
    assert.match(lines[0] ?? '', /^DIGEST +SIZE +AGE +MEDIA TYPE +USED BY$/)
    assert.equal(lines.length, 10)
    for (const line of lines.slice(1)) {
      assert.match(
        line,
        /^[0-9a-f]{12} +[\d.]+[kM]?B .* application\/vnd\.oci\.\S+ +other:1, redis:alpine$/,
      )
    }
    const json = await succeeds('content', 'list', '--format', 'json', '--no-trunc')
    const rows = json
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      rows.map((row) => row.Digest),
      digests,
    )
    assert.deepEqual(rows[0].Users, ['other:1', 'redis:alpine'])
    await succeeds('rmi', 'other:1')
  })

  test('content get gives the bytes, also by the start of a digest', async () => {
    const largest = await succeeds(
      'content',
      'ls',
      '--no-trunc',
      '--format',
      '{{.SizeBytes}} {{.Digest}}',
    )
    const [size = '', digest = ''] = (
      largest.trim().split('\n').toSorted(bySize).at(-1) ?? ''
    ).split(' ')
    const bytes = execFileSync(
      sandbox.program,
      ['--data-root', sandbox.dataRoot, 'content', 'get', digest.slice(0, 19)],
      {
        maxBuffer: 2 ** 30,
      },
    )
    assert.equal(bytes.length, Number(size))
    assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest)
  })

  test('content get --json indents documents, and refuses what is none', async () => {
    const format = '{{.MediaType}} {{.Digest}}'
    const lines = (await succeeds('content', 'ls', '--no-trunc', '--format', format)).split('\n')
    const digestOf = (type: string): string =>
      lines.find((line) => line.includes(type))?.split(' ')[1] ?? ''
    const manifest = await succeeds('content', 'get', '--json', digestOf('manifest'))
    assert.match(manifest, /^\{\n {2}"schemaVersion": 2,\n/)
    assert.equal(JSON.parse(manifest).layers.length, 6)
    assert.match(
      await fails('content', 'get', '--json', digestOf('gzip')),
      /: (too large for|not) a JSON document\n$/,
    )
  })

  test('content get refuses what it cannot know', async () => {
    assert.match(
      await fails('content', 'get', 'f'.repeat(64)),
      /^tsctr: blob f+: not in the content store\nhint: /,
    )
    assert.match(await fails('content', 'get', '../../etc/passwd'), /must be hex digits\n$/)
    assert.match(await fails('content', 'get', ''), /must be hex digits\n$/)
  })

  test('snapshot ls tells number, key, parent, kind, size and users', async () => {
    const json = await succeeds('snapshot', 'ls', '--no-trunc', '--format', 'json')
    const rows = json
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      rows.map((row) => row.Number),
      [1, 2, 3, 4, 5, 6],
    )
    assert.deepEqual(
      rows.map((row) => row.Parent),
      ['', ...rows.slice(0, 5).map((row) => row.Key)],
    )
    assert.ok(rows.every((row) => row.Kind === 'committed' && row.SizeBytes > 0))
    assert.deepEqual(rows[5].Users, ['redis:alpine'])
    const table = await succeeds('snapshot', 'list')
    assert.match(table, /^NUMBER +KEY +PARENT +KIND +SIZE +USED BY\n1 +[0-9a-f]{12} +committed/)
    const keys = await succeeds('snapshot', 'ls', '-q')
    assert.equal(keys, rows.map((row) => `${row.Key}\n`).join(''))
  })

  test('snapshot tree shows which stands on which', async () => {
    const tree = await succeeds('snapshot', 'tree')
    assert.match(tree, /^1 [0-9a-f]{12}\n└─2 [0-9a-f]{12}\n {2}└─3 /)
  })

  test('snapshot mounts prints a command that shows the layers up to it', {
    skip: needsOverlay(),
  }, async () => {
    const target = join(sandbox.directory, 'a target')
    mkdirSync(target)
    for (const key of ['6', '1', (await succeeds('snapshot', 'ls', '-q')).slice(7, 30)]) {
      const command = await succeeds('snapshot', 'mounts', target, key)
      try {
        execFileSync('sh', ['-c', command])
        assert.ok(readdirSync(target).includes('etc'))
        if (key === '6') assert.match(readFileSync(join(target, 'etc/passwd'), 'utf8'), /^redis:/m)
        assert.throws(() => mkdirSync(join(target, 'new')), { code: 'EROFS' })
      } finally {
        execFileSync('umount', [target])
      }
    }
  })

  test('snapshot mounts --json, and one that is not there', async () => {
    const [mount] = JSON.parse(await succeeds('snapshot', 'mounts', '--json', '/mnt', '2'))
    assert.equal(mount.type, 'overlay')
    assert.equal(mount.target, '/mnt')
    const { dataRoot } = sandbox
    assert.deepEqual(mount.options, [
      `lowerdir=${dataRoot}/snapshots/2/fs:${dataRoot}/snapshots/1/fs`,
    ])
    assert.match(
      await fails('snapshot', 'mounts', '/mnt', '99'),
      /^tsctr: snapshot 99: no such snapshot\n/,
    )
    assert.match(await fails('snapshot', 'mounts', '/mnt'), /missing required argument 'key'/)
  })
})

function bySize(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10)
}
