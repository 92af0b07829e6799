import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsPrograms, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const redis = 'redis:alpine'

describe('save and load', { skip: needsRegistry() }, () => {
  let registry: RunningRegistry
  /** Has redis:alpine and all busyboxes. */
  let full: Sandbox
  /** Starts each test with nothing. */
  let empty: Sandbox
  let scratch: string
  let archive: string

  before(async () => {
    registry = await startRegistry()
    full = createSandbox()
    full.useRegistry(registry.host)
    for (const name of [redis, 'busybox', 'busybox:zstd', 'busybox:schema2']) {
      await succeeds(full, 'pull', '-q', name)
    }
    archive = join(full.directory, 'redis.tar')
    assert.equal(await succeeds(full, 'save', '-o', archive, redis), '')
  })
  after(async () => {
    full.cleanup()
    await registry.stop()
  })
  beforeEach((context) => {
    empty = createSandbox()
    scratch = join(empty.directory, 'scratch')
    mkdirSync(scratch)
    const { cleanup } = empty
    if ('after' in context) context.after(cleanup)
  })

  async function succeeds(sandbox: Sandbox, ...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    assert.equal(stderr, '')
    return stdout
  }

  async function fails(sandbox: Sandbox, args: string[], message: RegExp): Promise<void> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.match(stderr, message)
    assert.deepEqual([stdout, exitCode], ['', 1])
  }

  /** Blobs, ingests and snapshots of a data root. */
  function contents(sandbox: Sandbox): string[] {
    return ['content/blobs/sha256', 'content/ingest', 'snapshots'].flatMap((name) => {
      const directory = join(sandbox.dataRoot, name)
      return existsSync(directory) ? readdirSync(directory) : []
    })
  }

  /** An image that skopeo has copied, as files. */
  function skopeoCopy(source: string, name: string): Map<string, Buffer> {
    const directory = join(scratch, name)
    const flags = ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false']
    execFileSync('skopeo', [...flags, source, `dir:${directory}`], { stdio: 'pipe' })
    const files = readdirSync(directory).toSorted()
    return new Map(files.map((file) => [file, readFileSync(join(directory, file))]))
  }

  test('the same images give the same archive, to a file or to stdout', async () => {
    const again = join(scratch, 'again.tar')
    await succeeds(full, 'image', 'save', '--output', again, redis)
    assert.ok(readFileSync(again).equals(readFileSync(archive)))
    assert.equal(statSync(again).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(scratch), ['again.tar'])
    const piped = join(scratch, 'piped.tar')
    const shell = `exec "${full.program}" save ${redis} >"$0"`
    const { exitCode } = await full.run(['-c', shell, piped], { program: 'sh' })
    assert.equal(exitCode, 0)
    assert.ok(readFileSync(piped).equals(readFileSync(archive)))
  })

  test('save, rmi, load, run', { skip: needsContainers() }, async () => {
    assert.equal(await succeeds(empty, 'load', '-i', archive), `Loaded image: ${redis}\n`)
    const out = await succeeds(empty, 'run', '--rm', '--network=none', redis, 'redis-server', '-v')
    assert.match(out, /^Redis server v=/)
    const digests = ['images', '--digests', '--format', '{{.Digest}}', redis]
    assert.equal(await succeeds(empty, ...digests), await succeeds(full, ...digests))
    await succeeds(empty, 'rmi', redis)
    assert.deepEqual(contents(empty), [])
    const { stdout } = await empty.run(['load', '-q'], { input: readFileSync(archive) })
    assert.equal(stdout, `Loaded image: ${redis}\n`)
    assert.equal(await succeeds(empty, ...digests), await succeeds(full, ...digests))
    const resaved = join(scratch, 'resaved.tar')
    await succeeds(empty, 'save', '-o', resaved, redis)
    assert.ok(readFileSync(resaved).equals(readFileSync(archive)))
  })

  test('archives packed with gzip or zstd load from stdin', async () => {
    const plain = readFileSync(archive)
    for (const input of [gzipSync(plain, { level: 1 }), zstdCompressSync(plain)]) {
      const { stdout, stderr } = await empty.run(['load'], { input })
      assert.deepEqual([stdout, stderr], [`Loaded image: ${redis}\n`, ''])
    }
  })

  test('a repository without a tag means all its tags; an id means no name', async () => {
    const all = join(scratch, 'all.tar')
    await succeeds(full, 'save', '-o', all, 'busybox')
    assert.deepEqual((await succeeds(empty, 'load', '-i', all)).trim().split('\n').toSorted(), [
      'Loaded image: busybox:latest',
      'Loaded image: busybox:schema2',
      'Loaded image: busybox:zstd',
    ])
    const other = createSandbox()
    try {
      const id = (await succeeds(full, 'images', '-q', '--no-trunc', redis)).trim()
      await succeeds(full, 'save', '-o', all, id)
      assert.equal(await succeeds(other, 'load', '-i', all), `Loaded image ID: ${id}\n`)
      assert.match(await succeeds(other, 'images'), /^<none> +<none> +[0-9a-f]{12} /m)
      assert.equal(await succeeds(other, 'gc'), 'Total reclaimed space: 0B\n')
      await succeeds(other, 'tag', id, 'back:1')
      assert.doesNotMatch(await succeeds(other, 'images'), /<none>/)
    } finally {
      other.cleanup()
    }
  })

  test('--exclude-from leaves out what the other side has', async () => {
    const first = join(scratch, 'first.tar')
    await succeeds(full, 'save', '-o', first, redis)
    await succeeds(empty, 'load', '-i', first)
    await succeeds(empty, 'tag', redis, 'old:1')
    const inventory = join(scratch, 'inventory')
    writeFileSync(inventory, await succeeds(empty, 'content', 'ls', '-q'))
    const small = join(scratch, 'small.tar')
    await succeeds(full, 'save', '--exclude-from', inventory, '-o', small, redis)
    assert.ok(statSync(small).size < 20_000)
    await succeeds(empty, 'rmi', redis)
    assert.equal(await succeeds(empty, 'load', '-i', small), `Loaded image: ${redis}\n`)
    const other = createSandbox()
    try {
      const layers = JSON.parse(
        execFileSync('tar', ['-xOf', small, 'manifest.json'], { encoding: 'utf8' }),
      )[0].Layers as string[]
      const digests = layers.map((name) => `sha256:${name.split('/').at(-1)}`).join(', ')
      await fails(other, ['load', '-i', small], new RegExp(`neither in it nor here: ${digests}\\n`))
      assert.deepEqual(contents(other), [])
    } finally {
      other.cleanup()
    }
    writeFileSync(inventory, 'sha256:0\n')
    const args = ['save', '--exclude-from', inventory, '-o', small, redis]
    await fails(full, args, /inventory: line 1: digest "sha256:0": must be .*\nhint: /)
    const { exitCode } = await full.run(['save', '--exclude-from=-', '-o', small, redis], {
      input: await succeeds(empty, 'content', 'ls', '-q'),
    })
    assert.equal(exitCode, 0)
    assert.ok(statSync(small).size < 20_000)
  })

  test('bad flags and operands: one line, and no file', async () => {
    const out = join(scratch, 'out.tar')
    for (const [args, message] of [
      [['save'], /^tsctr: save: missing required argument/],
      [['save', '-o', out, 'nothing'], /^tsctr: image nothing: no such image\n/],
      [['save', '-o', out, redis, 'nothing'], /^tsctr: image nothing: no such image\n/],
      [
        ['save', '-o', '/no/such/dir/x', redis],
        /^tsctr: invalid output path: directory "\/no\/such/,
      ],
      [['save', '-o', scratch, redis], /^tsctr: invalid output path: .* is a directory\n/],
      [['save', '-o', '/dev/null', redis], /^tsctr: invalid output path: .* got a device\n/],
      [['save', '-o', out, '--platform', 'a/b/c/d', redis], /^tsctr: platform a\/b\/c\/d: /],
      [
        ['save', '-o', out, '--platform', 'linux/s390x', redis],
        /^tsctr: image redis:alpine: not here for platform linux\/s390x\nhint: --platform linux\//,
      ],
      [
        ['save', '-o', out, '--all-platforms', redis],
        /^tsctr: image redis:alpine: not here for linux\/\w+\n/,
      ],
      [
        ['save', '-o', out, '--all-platforms', '--platform', 'linux/arm64', redis],
        /^tsctr: --all-platforms cannot be used with --platform\n/,
      ],
      [['load', '-i', '/no/such/file'], /^tsctr: \/no\/such\/file: no such file\n/],
      [['load', '-i', scratch], /scratch: is a directory, not an archive\n/],
      [['load'], /^tsctr: stdin: is empty, not an archive\n/],
    ] as const) {
      await fails(full, [...args], message)
      assert.deepEqual(readdirSync(scratch), [])
    }
  })

  test('neither writes to a terminal nor reads from one', {
    skip: needsPrograms('script'),
  }, async () => {
    for (const [command, message] of [
      [`save ${redis}`, /cowardly refusing to save to a terminal/],
      ['load', /requested load from stdin, but stdin is empty/],
    ] as const) {
      const line = `"${full.program}" ${command}; echo ended with $?`
      const { stdout } = await full.run(['-qc', line, '/dev/null'], { program: 'script' })
      assert.match(stdout, message)
      assert.match(stdout, /ended with 1/)
    }
  })

  test('a blob that the disk has damaged is not saved, and an old archive stays', async () => {
    await succeeds(empty, 'load', '-i', archive)
    const blobs = join(empty.dataRoot, 'content/blobs/sha256')
    const largest = readdirSync(blobs).reduce((a, b) =>
      statSync(join(blobs, a)).size > statSync(join(blobs, b)).size ? a : b,
    )
    execFileSync('chmod', ['600', join(blobs, largest)])
    const bytes = readFileSync(join(blobs, largest))
    bytes[1000] = (bytes[1000] ?? 0) ^ 1
    writeFileSync(join(blobs, largest), bytes)
    const out = join(scratch, 'out.tar')
    writeFileSync(out, 'old')
    await fails(empty, ['save', '-o', out, redis], /^tsctr: blob sha256:\w+: expected sha256:/)
    assert.equal(readFileSync(out, 'utf8'), 'old')
    assert.deepEqual(readdirSync(scratch), ['out.tar'])
  })

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} ends load with ${exitCode} and leaves nothing`, async () => {
      const pipe = join(scratch, 'pipe')
      execFileSync('mkfifo', [pipe])
      const feed = openSync(pipe, 'r+')
      try {
        const { child, finished } = empty.start(['load', '-i', pipe])
        writeSync(feed, readFileSync(archive).subarray(0, 60_000))
        const ingest = join(empty.dataRoot, 'content/ingest')
        while (!existsSync(ingest) || readdirSync(ingest).length === 0) await delay(10)
        child.kill(signal)
        const { stdout, stderr, exitCode: code } = await finished
        assert.deepEqual([stdout, stderr, code], ['', 'tsctr: interrupted\n', exitCode])
        assert.deepEqual(contents(empty), [])
      } finally {
        closeSync(feed)
      }
    })

    test(`${signal} at any instant leaves a whole archive or none`, async () => {
      const out = join(scratch, 'out.tar')
      for (const afterMs of [300, 500, 600, 700, 800, 1000]) {
        const { child, finished } = full.start(['save', '-o', out, redis])
        await delay(afterMs)
        child.kill(signal)
        const { exitCode: code } = await finished
        assert.ok(code === exitCode || code === 0, `ended with ${code}`)
        const names = readdirSync(scratch)
        if (names.length > 0) {
          assert.deepEqual(names, ['out.tar'])
          assert.ok(readFileSync(out).equals(readFileSync(archive)))
          rmSync(out)
        }
      }
    })
  }

  test('killed at any instant, load leaves the old image and garbage that gc takes', async () => {
    const box = join(scratch, 'box.tar')
    await succeeds(full, 'save', '-o', box, 'busybox:latest')
    await succeeds(empty, 'load', '-i', box)
    const before = contents(empty)
    for (const afterMs of [100, 200, 300, 400, 500, 700]) {
      const { child, finished } = empty.start(['load', '-i', archive])
      await delay(afterMs)
      child.kill('SIGKILL')
      await finished
      const names = await succeeds(empty, 'images', '--format', '{{.Repository}}')
      if (names.includes('redis')) await succeeds(empty, 'rmi', redis)
      await succeeds(empty, 'gc')
      assert.deepEqual(contents(empty), before, `after ${afterMs} ms`)
    }
    assert.equal(await succeeds(empty, 'load', '-i', archive), `Loaded image: ${redis}\n`)
  })

  describe('peers', () => {
    test('skopeo finds the registry’s bytes in the layout, and reads the docker-archive', {
      skip: needsPrograms('skopeo'),
    }, () => {
      const pulled = skopeoCopy(`docker://${registry.host}/library/redis:alpine`, 'registry')
      assert.deepEqual(skopeoCopy(`oci-archive:${archive}:alpine`, 'archive'), pulled)
      const layout = join(scratch, 'layout')
      mkdirSync(layout)
      execFileSync('tar', ['-xf', archive, '-C', layout])
      assert.deepEqual(skopeoCopy(`oci:${layout}:alpine`, 'layout-copy'), pulled)
      const unpacked = skopeoCopy(`docker-archive:${archive}:${redis}`, 'docker')
      const config = (files: Map<string, Buffer>): unknown =>
        JSON.parse(String(files.get('manifest.json'))).config.digest
      assert.equal(config(unpacked), config(pulled))
    })

    test('skopeo reads zstd layers and schema 2 as well', {
      skip: needsPrograms('skopeo'),
    }, async () => {
      const boxes = join(scratch, 'boxes.tar')
      await succeeds(full, 'save', '-o', boxes, 'busybox')
      for (const tag of ['latest', 'zstd', 'schema2']) {
        const pulled = skopeoCopy(`docker://${registry.host}/library/busybox:${tag}`, `r-${tag}`)
        // It knows no docker manifests in a layout.
        if (tag !== 'schema2') {
          assert.deepEqual(skopeoCopy(`oci-archive:${boxes}:${tag}`, `a-${tag}`), pulled)
        }
        skopeoCopy(`docker-archive:${boxes}:busybox:${tag}`, `d-${tag}`)
      }
    })

    test('umoci unpacks the layout', { skip: needsPrograms('umoci') }, async () => {
      const box = join(scratch, 'box.tar')
      await succeeds(full, 'save', '-o', box, 'busybox:latest')
      const layout = join(scratch, 'layout')
      mkdirSync(layout)
      execFileSync('tar', ['-xf', box, '-C', layout])
      const bundle = join(scratch, 'bundle')
      execFileSync('umoci', ['unpack', '--image', `${layout}:latest`, bundle], { stdio: 'pipe' })
      assert.ok(existsSync(join(bundle, 'rootfs/bin/busybox')))
    })

    test('what skopeo writes as a docker-archive loads, links and all', {
      skip: needsPrograms('skopeo'),
    }, async () => {
      const made = join(scratch, 'made.tar')
      const source = `docker://${registry.host}/library/redis:alpine`
      const flags = ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false']
      const target = `docker-archive:${made}:example.com/redis:skopeo`
      execFileSync('skopeo', [...flags, source, target], { stdio: 'pipe' })
      const printed = await succeeds(empty, 'load', '-i', made)
      assert.equal(printed, 'Loaded image: example.com/redis:skopeo\n')
      assert.equal(
        await succeeds(empty, 'images', '-q', '--no-trunc'),
        await succeeds(full, 'images', '-q', '--no-trunc', redis),
      )
    })

    test('podman loads the archive, and what it saves in both forms loads here', {
      skip: needsContainers() || needsPrograms('podman'),
    }, async (context) => {
      // It takes no longer path than 50 characters there.
      const runRoot = mkdtempSync(join(tmpdir(), 'podman-'))
      context.after(() => rmSync(runRoot, { recursive: true, force: true }))
      const podman = (...args: string[]): string => {
        const roots = ['--root', join(scratch, 'root'), '--runroot', runRoot]
        const flags = [...roots, '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs']
        return execFileSync('podman', [...flags, ...args], { encoding: 'utf8', stdio: 'pipe' })
      }
      // Where it puts a short name is a matter of its configuration.
      const [, name = ''] = /^Loaded image: (\S+)$/m.exec(podman('load', '-i', archive)) ?? []
      assert.match(name, /\/redis:alpine$/)
      const id = await succeeds(full, 'images', '-q', '--no-trunc', redis)
      assert.equal(podman('images', '-q', '--no-trunc'), id)
      for (const format of ['docker-archive', 'oci-archive']) {
        const made = join(scratch, `${format}.tar`)
        podman('save', '-q', '--format', format, '-o', made, redis)
        const other = createSandbox()
        try {
          const printed = await succeeds(other, 'load', '-i', made)
          const shown = name.replace('docker.io/library/', '')
          assert.equal(printed, `Loaded image: ${shown}\n`)
          const args = ['--rm', '--network=none', name, 'redis-server', '-v']
          assert.match(await succeeds(other, 'run', ...args), /^Redis server v=/)
        } finally {
          other.cleanup()
        }
      }
    })

    test('ctr imports the archive under the same names and digests', {
      skip: needsContainers() || needsPrograms('containerd', 'ctr'),
    }, async () => {
      const socket = join(scratch, 's.sock')
      const config = join(scratch, 'config.toml')
      writeFileSync(config, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
      const roots = ['--root', join(scratch, 'root'), '--state', join(scratch, 'state')]
      const daemon = empty.start(['--config', config, '--address', socket, ...roots], {
        program: 'containerd',
      })
      const ctr = (...args: string[]): string =>
        execFileSync('ctr', ['--address', socket, ...args], { encoding: 'utf8', stdio: 'pipe' })
      try {
        while (!existsSync(socket)) await delay(50)
        ctr('images', 'import', archive)
        const name = 'docker.io/library/redis:alpine'
        const digest = await succeeds(full, 'images', '--format', '{{.Digest}}', '--digests', redis)
        const row = ctr('images', 'ls')
          .split('\n')
          .find((line) => line.startsWith(name))
        assert.equal(row?.split(/ +/)[2], digest.trim())
      } finally {
        daemon.child.kill('SIGTERM')
        await daemon.finished
      }
    })
  })
})
