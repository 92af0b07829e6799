import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsPrograms, needsRegistry, needsRoot } from '../helpers/capabilities.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { describeTree } from '../helpers/describe-tree.ts'
import { startRegistry } from '../helpers/registry.ts'
import { type PushRegistry, startPushRegistry } from '../registry/push-registry.ts'

let sandbox: Sandbox
let registry: RunningRegistry

const skip = needsRegistry()

before(async () => {
  if (skip === false) registry = await startRegistry()
})
after(() => registry?.stop())
beforeEach(() => {
  sandbox = createSandbox()
  if (skip === false) sandbox.useRegistry(registry.host)
})
afterEach(() => sandbox.cleanup())

/** What a successful tsctr has printed. */
async function said(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await sandbox.run(args)
  assert.equal(exitCode, 0, stderr)
  return stdout.trim()
}

/** Have an image of docker.io here under a name in the registry. */
async function tagged(image: string, name: string, ...pullFlags: string[]): Promise<string> {
  await said('pull', '-q', '--unpack=false', ...pullFlags, image)
  const target = `${registry.host}/${name}`
  await said('tag', image, target)
  return target
}

function skopeo(...args: string[]): Buffer {
  return execFileSync('skopeo', args, { env: { ...process.env, HOME: sandbox.directory } })
}

function blobOf(dataRoot: string, digest: string): Buffer {
  return readFileSync(join(dataRoot, 'content/blobs/sha256', digest.replace('sha256:', '')))
}

describe('push to a registry', { skip }, () => {
  test('prints what was pushed on stdout, and docker’s lines on stderr', async () => {
    const name = await tagged('busybox', 'team/app:1')
    const { stdout, stderr, exitCode } = await sandbox.run(['push', name])
    assert.equal(exitCode, 0, stderr)
    const digest = /@(sha256:[0-9a-f]{64})\n$/.exec(stdout)?.[1]
    assert.equal(stdout, `${name}@${digest}\n`)
    const lines = stderr.trim().split('\n')
    assert.equal(lines[0], `The push refers to repository [${registry.host}/team/app]`)
    const sizeBytes = blobOf(sandbox.dataRoot, String(digest)).length
    assert.equal(lines.at(-1), `1: digest: ${digest} size: ${sizeBytes}`)
    assert.match(stderr, /^layer-sha256:\w+: pushing \d.* [KM]iB$/m)
    assert.match(stderr, /^layer-sha256:\w+: pushed$/m)
    const again = await sandbox.run(['image', 'push', name])
    assert.match(again.stderr, /^layer-sha256:\w+: exists$/m)
    const other = await tagged('busybox', 'team/other:1')
    const mounted = await sandbox.run(['push', other])
    assert.match(mounted.stderr, /^layer-sha256:\w+: mounted from team\/app$/m)
    const quiet = await sandbox.run(['push', '-q', other])
    assert.deepEqual([quiet.stdout, quiet.stderr], [`${other}@${digest}\n`, ''])
  })

  test('with json each line of stderr is an object', async () => {
    const name = await tagged('busybox', 'json/app:1')
    const { stderr } = await sandbox.run(['push', '--progress=json', name])
    const events = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.ok(events.some(({ role, status }) => role === 'layer' && status === 'pushed'))
    assert.ok(events.at(-1).transferredBytes > 100_000)
  })

  test('another data root pulls the same image', async () => {
    const name = await tagged('redis:alpine', 'team/redis:1')
    const pushed = await said('push', '-q', name)
    const there = createSandbox()
    try {
      assert.equal((await there.run(['pull', '-q', name])).exitCode, 0)
      const inspect = ['inspect', '-f', '{{.Id}} {{json .Config}} {{json .RootFS}}', name]
      assert.equal((await there.run(inspect)).stdout, (await sandbox.run(inspect)).stdout)
      const digest = pushed.split('@')[1] ?? ''
      assert.deepEqual(blobOf(there.dataRoot, digest), blobOf(sandbox.dataRoot, digest))
      const blobs = (await there.run(['content', 'ls', '-q'])).stdout.trim().split('\n')
      const own = (await said('content', 'ls', '-q')).split('\n')
      // The index of what was pulled here was not pushed.
      assert.equal(blobs.length, 8)
      for (const blob of blobs) assert.ok(own.includes(blob), blob)
    } finally {
      there.cleanup()
    }
  })

  test('one platform of an index goes alone, and it says so', async () => {
    const name = await tagged('redis:alpine', 'part/redis:1')
    const { stdout, stderr } = await sandbox.run(['push', '-q', name])
    assert.match(stderr, /^NOTE: of the platforms of .* only linux\/\w+ was pushed\n$/)
    const all = await sandbox.run(['push', '-q', '--all-platforms', name])
    assert.equal(all.exitCode, 1)
    assert.match(
      all.stderr,
      /: not all of it is here: linux\/\w+ \(manifest sha256:\w{12}\)\nhint: tsctr pull --all-platforms /,
    )
    const manifest = blobOf(sandbox.dataRoot, stdout.trim().split('@')[1] ?? '')
    assert.ok(JSON.parse(manifest.toString()).layers.length > 0)
    const wrong = await sandbox.run(['push', '-q', '--platform', 'linux/s390x', name])
    assert.match(wrong.stderr, /no image for platform linux\/s390x\nhint: --platform linux\//)
  })

  test('an index that is all here goes as it is, its manifests before it', async () => {
    const name = await tagged('redis:alpine', 'whole/redis:1', '--all-platforms')
    const target = await said('inspect', '-f', '{{index .RepoDigests 0}}', name)
    const before = (await registry.accessLog()).length
    const pushed = await said('push', '-q', name)
    assert.equal(pushed.split('@')[1], target.split('@')[1])
    const asked = (await registry.accessLog()).slice(before)
    const puts = asked.filter(({ method }) => method === 'PUT').map(({ path }) => path)
    const firstManifest = puts.findIndex((path) => path.includes('/manifests/'))
    assert.ok(puts.slice(firstManifest).every((path) => path.includes('/manifests/')))
    assert.equal(puts.at(-1), '/v2/whole/redis/manifests/1')
    const part = await sandbox.run(['push', '-q', '--platform', 'linux/arm64', name])
    assert.match(part.stderr, /only linux\/arm64 was pushed/)
    assert.notEqual(part.stdout.trim(), pushed)
  })

  test('--all-tags pushes every tag that is here, and takes none', async () => {
    const one = await tagged('busybox', 'tags/app:one')
    await tagged('busybox:zstd', 'tags/app:two')
    const lines = (await said('push', '-q', '-a', `${registry.host}/tags/app`)).split('\n')
    assert.deepEqual(
      lines.map((line) => line.replace(/@.*/, '').replace(/.*:/, '')),
      ['one', 'two'],
    )
    const answer = await fetch(`http://${registry.host}/v2/tags/app/tags/list`)
    assert.deepEqual(((await answer.json()) as { tags: string[] }).tags.sort(), ['one', 'two'])
    const refused = await sandbox.run(['push', '-a', one])
    assert.match(
      refused.stderr,
      /^tsctr: .*\/tags\/app:one: a tag cannot be used with --all-tags\n/,
    )
  })

  test('what cannot be pushed is refused in one line', async () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const host = '127.0.0.1:1'
    await tagged('busybox', 'x:1')
    await said('tag', 'busybox', `${host}/x:1`)
    for (const [args, message] of [
      [
        ['push', '-q', 'no/such'],
        /^tsctr: image docker\.io\/no\/such:latest: no such image\nhint: tsctr tag SOURCE /,
      ],
      [
        ['push', '-qa', 'no/such'],
        /^tsctr: docker\.io\/no\/such: no image of this repository is here\n/,
      ],
      [['push', `app@${digest}`], /^tsctr: app@sha256:0+: cannot push a digest, only a tag\n/],
      [['push', '--platform', 'a/b/c/d', 'app'], /^tsctr: --platform platform a\/b\/c\/d: must be/],
      [
        ['push', '--platform=arm64', '--all-platforms', 'app'],
        /^tsctr: --all-platforms: cannot be/,
      ],
      [['push', '--retry=-1', 'app'], /^tsctr: --retry /],
      [['push'], /^tsctr: push: missing required argument/],
      [
        ['push', '-q', `${host}/x:1`],
        /^tsctr: 127\.0\.0\.1:1\/x:1: registry 127\.0\.0\.1:1: .*\nhint: /,
      ],
    ] as const) {
      const result = await sandbox.run(args)
      assert.match(result.stderr, message)
      assert.deepEqual([result.exitCode, result.stdout], [1, ''])
      assert.doesNotMatch(result.stderr, /^ {4}at /m)
    }
  })

  test('a blob that was damaged here is told from one that the registry refuses', async () => {
    const name = await tagged('busybox', 'damaged/app:1')
    const target = await said('inspect', '-f', '{{index .RepoDigests 0}}', name)
    const manifest = JSON.parse(String(blobOf(sandbox.dataRoot, target.split('@')[1] ?? '')))
    const digest: string = manifest.layers[0].digest
    const path = join(sandbox.dataRoot, 'content/blobs/sha256', digest.replace('sha256:', ''))
    const bytes = readFileSync(path)
    bytes[1000] = (bytes[1000] ?? 0) ^ 1
    rmSync(path)
    writeFileSync(path, bytes)
    const { stderr, exitCode } = await sandbox.run(['push', '-q', name])
    assert.equal(exitCode, 1)
    assert.match(
      stderr,
      new RegExp(`^tsctr: ${name}: blob ${digest}: expected ${digest}, got sha256:`),
    )
  })
})

describe('judges of what was pushed', { skip: skip || needsPrograms('skopeo') }, () => {
  const insecure = '--tls-verify=false'

  for (const [image, flags] of [
    ['busybox:latest', []],
    ['busybox:zstd', []],
    ['busybox:schema2', ['--all-platforms']],
    ['redis:alpine', ['--all-platforms']],
    ['redis:alpine', []],
  ] as const) {
    test(`skopeo reads ${image} ${flags.join(' ')}: bytes, digests and config are the same`, async () => {
      const name = await tagged(image, `judged/${image}`, ...flags)
      const digest = (await said('push', '-q', name)).split('@')[1] ?? ''
      const raw = skopeo('inspect', '--raw', insecure, `docker://${name}`)
      assert.ok(raw.equals(blobOf(sandbox.dataRoot, digest)), 'the bytes are those here')
      const config = JSON.parse(String(skopeo('inspect', '--config', insecure, `docker://${name}`)))
      const layers = JSON.parse(await said('inspect', '-f', '{{json .RootFS.Layers}}', name))
      assert.deepEqual(config.rootfs.diff_ids, layers)
      assert.deepEqual(
        config.config.Cmd,
        JSON.parse(await said('inspect', '-f', '{{json .Config.Cmd}}', name)),
      )
    })
  }

  test('umoci unpacks what skopeo copies to the tree that tsctr has', async (context) => {
    const reason = needsRoot() || needsPrograms('umoci')
    if (reason !== false) return context.skip(reason)
    const name = await tagged('busybox', 'unpacked/busybox:1')
    await said('push', '-q', name)
    const layout = join(sandbox.directory, 'layout')
    skopeo('copy', '-q', '--src-tls-verify=false', `docker://${name}`, `oci:${layout}:1`)
    const bundle = join(sandbox.directory, 'bundle')
    const { status, stderr } = spawnSync('umoci', ['unpack', '--image', `${layout}:1`, bundle])
    assert.equal(status, 0, String(stderr))
    await said('pull', '-q', name)
    const theirs = describeTree(join(bundle, 'rootfs'))
    assert.deepEqual(describeTree(join(sandbox.dataRoot, 'snapshots/1/fs'), theirs), theirs)
  })

  test('podman pulls it and has the same config', async (context) => {
    const reason = needsRoot() || needsPrograms('podman')
    if (reason !== false) return context.skip(reason)
    const name = await tagged('busybox', 'podman/busybox:1')
    await said('push', '-q', name)
    const roots = [
      '--root',
      join(sandbox.directory, 'p'),
      '--runroot',
      join(sandbox.directory, 'r'),
    ]
    const podman = (...args: string[]): string =>
      execFileSync('podman', [...roots, '--storage-driver=vfs', ...args], { encoding: 'utf8' })
    const id = podman('pull', '-q', insecure, name).trim()
    assert.equal(`sha256:${id}`, await said('inspect', '-f', '{{.Id}}', name))
  })
})

describe('push to a registry with TLS and passwords', {
  skip: skip || needsPrograms('openssl'),
}, () => {
  test('needs a login, and works with one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tsctr-closed-'))
    const certificate = makeCertificate(directory, 'reg', { altNames: 'IP:0.0.0.0,IP:127.0.0.1' })
    const htpasswd = join(directory, 'htpasswd')
    // `htpasswd -nbB me secret-word`
    writeFileSync(htpasswd, 'me:$2y$05$abcdefghijklmnopqrstuuUOabO4v2PoT/v47Y.znQK.9MsMDnesq\n')
    const closed = await startRegistry({
      certificate: certificate.certificatePath,
      key: certificate.keyPath,
      htpasswd,
    })
    try {
      // 0.0.0.0 leads to this machine and is no loopback address: TLS is checked.
      const host = `0.0.0.0:${closed.port}`
      mkdirSync(join(sandbox.hostsDir, host))
      writeFileSync(join(sandbox.hostsDir, host, 'ca.crt'), certificate.cert)
      await said('pull', '-q', 'busybox')
      const name = `${host}/team/app:1`
      await said('tag', 'busybox', name)
      const refused = await sandbox.run(['push', '-q', name])
      assert.deepEqual([refused.exitCode, refused.stdout], [1, ''])
      assert.equal(
        refused.stderr,
        `tsctr: ${name}: registry ${host}: needs a login\nhint: tsctr login ${host}\n`,
      )
      const pushed = await said('push', '-q', '--creds', 'me:secret-word', name)
      assert.ok(pushed.startsWith(`${name}@sha256:`))
      assert.equal(await said('pull', '-q', '--creds', 'me:secret-word', name), name)
      const wrong = await sandbox.run(['push', '-q', '--creds', 'me:wrong', name])
      assert.match(wrong.stderr, /does not accept the saved login\nhint: tsctr login /)
      assert.doesNotMatch(wrong.stderr, /wrong/)
    } finally {
      await closed.stop()
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

describe('push that is interrupted', { skip }, () => {
  let slow: PushRegistry

  before(async () => {
    slow = await startPushRegistry()
  })
  after(() => slow.close())

  test('Ctrl-C ends it within a second, with 130; the next one works', async () => {
    await said('pull', '-q', 'busybox')
    const name = `${slow.host}/app:1`
    await said('tag', 'busybox', name)
    slow.fault = ({ method }) => (method === 'PUT' ? { kind: 'silence' } : undefined)
    const { child, finished } = sandbox.start(['push', name])
    while (!slow.requests.some(({ method }) => method === 'PUT')) await delay(10)
    const startedAt = performance.now()
    child.kill('SIGINT')
    const { stdout, stderr, exitCode } = await finished
    assert.ok(performance.now() - startedAt < 1500, 'a second, and what a busy machine adds')
    assert.deepEqual([exitCode, stdout], [130, ''])
    assert.match(stderr, new RegExp(`^tsctr: ${name}: interrupted$`, 'm'))
    slow.fault = () => undefined
    assert.match(await said('push', '-q', name), /@sha256:/)
    assert.ok(slow.manifests.has('app 1'))
  })
})
