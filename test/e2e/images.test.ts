import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('images, tag and rmi', { skip: needsRegistry() }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    for (const name of ['busybox', 'redis:alpine']) await succeeds('pull', '-q', name)
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
    assert.equal(exitCode, 1, stderr)
    return stderr
  }

  test('the table is docker’s', async () => {
    const lines = (await succeeds('images')).trimEnd().split('\n')
    assert.match(lines[0] ?? '', /^REPOSITORY {3}TAG {7}IMAGE ID {7}CREATED +SIZE$/)
    assert.match(lines[1] ?? '', /^busybox {6}latest {4}[0-9a-f]{12} {3}\d+ \w+ ago +[\d.]+MB$/)
    assert.match(lines[2] ?? '', /^redis {8}alpine {4}[0-9a-f]{12} {3}\d+ \w+ ago +[\d.]+MB$/)
    assert.equal(lines.length, 3)
  })

  test('the id is the digest of the config in the registry', async () => {
    const manifest = await (
      await fetch(`http://${registry.host}/v2/library/busybox/manifests/latest`, {
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      })
    ).json()
    const { digest } = (manifest as { config: { digest: string } }).config
    assert.equal(await succeeds('images', '-q', '--no-trunc', 'busybox'), `${digest}\n`)
    assert.equal(await succeeds('image', 'ls', '-q', 'busybox:latest'), `${digest.slice(7, 19)}\n`)
  })

  test('--digests, --format and --filter', async () => {
    assert.match(await succeeds('images', '--digests'), /TAG +DIGEST +IMAGE ID/)
    assert.equal(
      await succeeds('images', '--format', '{{.Name}}', 'redis'),
      fullName('redis:alpine'),
    )
    const [line = ''] = (await succeeds('image', 'list', '--format', 'json', 'redis')).split('\n')
    const row = JSON.parse(line) as Record<string, string>
    assert.equal(row.Repository, 'redis')
    assert.equal(row.Platform?.split('/')[0], 'linux')
    assert.equal(await succeeds('images', '-q', '-f', 'label=no-such-label'), '')
    assert.match(await fails('images', '-f', 'size=1'), /^tsctr: --filter "size=1": no such filter/)
    assert.match(await fails('images', '--format', '{{.Nope}}'), /^tsctr: template parsing error/)
  })

  test('--tree shows platforms, and says what it does not go with', async () => {
    const lines = (await succeeds('images', '--tree', 'busybox')).trimEnd().split('\n')
    assert.match(lines[0] ?? '', /^IMAGE +ID +DISK USAGE +CONTENT SIZE +EXTRA$/)
    assert.match(lines[1] ?? '', /^busybox:latest +[0-9a-f]{12} +[\d.]+MB +[\d.]+MB$/)
    assert.match(lines[2] ?? '', /^└─ linux\/\w+ +[0-9a-f]{12} +[\d.]+MB +[\d.]+MB$/)
    assert.equal(lines.length, 3)
    assert.equal(await fails('images', '--tree', '-q'), 'tsctr: --quiet: not with --tree\n')
  })

  test('tag gives one more name, by name or id, and rmi takes that name alone', async () => {
    const id = (await succeeds('images', '-q', 'busybox')).trim()
    assert.equal(await succeeds('tag', id, 'example.com/me/box:1'), '')
    assert.equal(await succeeds('images', '-q', 'example.com/me/box'), `${id}\n`)
    assert.match(await fails('rmi', id), /image is referenced in multiple repositories\nhint: /)
    const untagged = await succeeds('rmi', 'example.com/me/box:1')
    assert.match(
      untagged,
      /^Untagged: example\.com\/me\/box:1\nUntagged: example\.com\/me\/box@sha256:[0-9a-f]{64}\n$/,
    )
    assert.equal(await succeeds('images', '-q', 'busybox'), `${id}\n`)
  })

  test('tag moves a name that is taken', async () => {
    await succeeds('tag', 'busybox', 'moving')
    await succeeds('image', 'tag', 'redis:alpine', 'moving:latest')
    const ids = await succeeds('images', '-q', 'moving', '--format', '{{.ID}}')
    assert.equal(ids, await succeeds('images', '-q', 'redis:alpine'))
    await succeeds('rmi', 'moving')
  })

  test('rmi of the last name takes id and layers, and leaves what others share', async () => {
    const id = (await succeeds('images', '-q', '--no-trunc', 'redis:alpine')).trim()
    const layers = JSON.parse(
      await succeeds('image', 'inspect', '-f', '{{json .RootFS.Layers}}', 'redis:alpine'),
    ) as string[]
    const lines = (await succeeds('image', 'rm', 'redis:alpine')).trimEnd().split('\n')
    assert.equal(lines[0], 'Untagged: redis:alpine')
    assert.equal(lines[2], `Deleted: ${id}`)
    assert.equal(lines.length, 3 + layers.length)
    assert.equal(lines.at(-1), `Deleted: ${layers[0]}`)
    assert.match(await succeeds('images'), /^busybox /m)
    assert.equal((await succeeds('content', 'ls', '-q')).trim().split('\n').length, 3)
    assert.equal((await succeeds('snapshot', 'ls', '-q')).trim().split('\n').length, 1)
  })

  test('rmi --no-prune leaves content for gc, which says what it takes', async () => {
    await succeeds('pull', '-q', 'busybox:zstd')
    assert.doesNotMatch(await succeeds('rmi', '--no-prune', 'busybox:zstd'), /Deleted/)
    const preview = await succeeds('gc', '--dry-run')
    assert.match(preview, /^Blobs:\nsha256:[0-9a-f]{64} [\d.]+k?M?B: no image names it$/m)
    assert.match(preview, /^Total reclaimable space: 1\.\d+MB$/m)
    const done = await succeeds('gc')
    assert.equal(done, preview.replace('reclaimable', 'reclaimed'))
    assert.equal(await succeeds('gc'), 'Total reclaimed space: 0B\n')
  })

  test('an unknown image: an error for tag and rmi, a warning for rmi -f', async () => {
    assert.match(await fails('rmi', 'nothing'), /^tsctr: image nothing: no such image\nhint: /)
    assert.match(await fails('tag', 'nothing', 'x'), /^tsctr: image nothing: no such image\n/)
    assert.match(await fails('tag', 'busybox', 'UPPER'), /^tsctr: UPPER: invalid reference format/)
    const { stderr, exitCode } = await sandbox.run(['rmi', '-f', 'nothing'])
    assert.deepEqual([stderr, exitCode], ['WARNING: image nothing: no such image\n', 0])
  })

  test('rmi of several does all it can', async () => {
    await succeeds('tag', 'busybox', 'a')
    await succeeds('tag', 'busybox', 'b')
    const { stdout, stderr, exitCode } = await sandbox.run(['rmi', 'a', 'nothing', 'b'])
    assert.equal(exitCode, 1)
    assert.match(stdout, /^Untagged: a:latest\n(.*\n)*Untagged: b:latest\n/m)
    assert.equal(stderr.match(/^tsctr: /gm)?.length, 1)
  })

  test('rmi looks for garbage once, after all names have gone', async () => {
    for (const name of ['redis:alpine', 'busybox:zstd']) await succeeds('pull', '-q', name)
    const { stdout, exitCode } = await sandbox.run([
      'rmi',
      'redis:alpine',
      'nothing',
      'busybox:zstd',
    ])
    assert.equal(exitCode, 1)
    const verbs = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(':')[0])
    assert.equal(verbs.lastIndexOf('Untagged'), 3)
    assert.ok(verbs.length > 10, stdout)
    assert.equal(verbs.indexOf('Deleted'), 4)
    assert.equal(await succeeds('gc'), 'Total reclaimed space: 0B\n')
  })

  test('a file that gc cannot remove is told after what went', async () => {
    await succeeds('pull', '-q', 'busybox:zstd')
    const kept = await blobDigests()
    const id = (await succeeds('images', '--format', '{{.Digest}}', 'busybox:zstd')).trim()
    await succeeds('rmi', '--no-prune', 'busybox:zstd')
    const path = join(sandbox.dataRoot, 'content/blobs/sha256', id.slice('sha256:'.length))
    rmSync(path)
    // A directory cannot be unlinked, whoever tries.
    mkdirSync(path)
    const { stdout, stderr, exitCode } = await sandbox.run(['gc'])
    assert.equal(exitCode, 1)
    assert.match(stderr, /^tsctr: .*(EISDIR|EPERM|directory|not permitted)/)
    const went = /^Blobs:\n(sha256:.*: no image names it\n)+\nTotal reclaimed space: [\d.]+k?M?B\n$/
    assert.match(stdout, went)
    assert.doesNotMatch(stdout, new RegExp(id))
    rmSync(path, { recursive: true })
    assert.ok((await blobDigests()).length < kept.length)
  })

  async function blobDigests(): Promise<string[]> {
    return (await succeeds('content', 'ls', '-q')).trim().split('\n')
  }
})

function fullName(name: string): string {
  return `docker.io/library/${name}\n`
}
