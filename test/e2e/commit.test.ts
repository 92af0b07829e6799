import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsPrograms, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { writeLayout, writeSkopeoDirectory } from '../helpers/oci-layout.ts'
import { startRegistry } from '../helpers/registry.ts'

interface Inspected {
  readonly Author: string
  readonly Comment: string
  readonly Size: number
  readonly RootFS: { readonly Layers: readonly string[] }
  readonly Config: Readonly<Record<string, unknown>>
  readonly Descriptor: { readonly digest: string; readonly mediaType: string }
}

const skip = needsContainers() || needsRegistry()

describe('tsctr commit', { skip }, () => {
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

  /** A container of redis:alpine in which a script ran to its end. */
  async function changedBy(name: string, script: string): Promise<void> {
    const flags = ['--name', name, '--network', 'none', '--entrypoint', 'sh']
    await succeeds('run', ...flags, 'redis:alpine', '-c', script)
  }

  async function inImage(image: string, script: string): Promise<string> {
    const flags = ['--rm', '--network', 'none', '--entrypoint', 'sh']
    return succeeds('run', ...flags, image, '-c', script)
  }

  async function inspect(image: string): Promise<Inspected> {
    return JSON.parse(await succeeds('image', 'inspect', image))[0]
  }

  test('the image has what the container had: files, links, owners, deletions', async () => {
    const script = [
      'echo new > /new; ln /new /hard; ln -s /new /soft; chown 7:8 /new; chmod 4750 /new',
      'rm /etc/passwd; rm -r /usr/share/redis; mkdir /usr/share/redis; echo x > /usr/share/redis/x',
      'mkfifo /fifo; touch -t 200102030405.06 /old',
    ].join('; ')
    await changedBy('files', script)
    const id = await succeeds('commit', '-a', 'me <me@example.com>', '-m', 'why', 'files', 'mine:1')
    assert.match(id, /^sha256:[0-9a-f]{64}\n$/)
    assert.equal(await succeeds('images', '-q', '--no-trunc', 'mine:1'), id)
    const look = [
      'stat -c "%u %g %a %h" /new; cat /hard; readlink /soft; ls /etc/passwd; ls /usr/share/redis',
      'test -p /fifo && echo fifo; date -r /old +%Y',
    ].join('; ')
    assert.equal(await inImage('mine:1', look), '7 8 4750 2\nnew\n/new\nx\nfifo\n2001\n')
    const image = await inspect('mine:1')
    const base = await inspect('redis:alpine')
    assert.equal(image.Author, 'me <me@example.com>')
    assert.equal(image.Comment, 'why')
    const { Layers } = image.RootFS
    const { Layers: below } = base.RootFS
    assert.deepEqual(Layers.slice(0, -1), below)
    // No second unpacking is needed: the layer's snapshot is there.
    assert.notEqual(image.Size, 0)
  })

  test('docker and OCI, gzip, zstd and plain: skopeo and umoci read each', {
    skip: needsPrograms('skopeo', 'umoci'),
  }, async () => {
    await changedBy('forms', 'echo formed > /formed')
    for (const [format, compression, layerType] of [
      ['docker', 'gzip', 'application/vnd.docker.image.rootfs.diff.tar.gzip'],
      ['docker', 'none', 'application/vnd.docker.image.rootfs.diff.tar'],
      ['oci', 'gzip', 'application/vnd.oci.image.layer.v1.tar+gzip'],
      ['oci', 'zstd', 'application/vnd.oci.image.layer.v1.tar+zstd'],
      ['oci', 'none', 'application/vnd.oci.image.layer.v1.tar'],
    ] as const) {
      const tag = `form:${format}-${compression}`
      await succeeds('commit', '--format', format, '--compression', compression, 'forms', tag)
      assert.equal(await inImage(tag, 'cat /formed'), 'formed\n')
      const [source, copy, layout, bundle] = ['source', 'copy', 'layout', 'bundle'].map((name) =>
        join(sandbox.directory, `${name}-${format}-${compression}`),
      ) as [string, string, string, string]
      const target = await targetOf(tag)
      const { manifest } = writeSkopeoDirectory(sandbox.dataRoot, target, source)
      assert.equal(manifest.layers.at(-1)?.mediaType, layerType)
      execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', `dir:${source}`, `dir:${copy}`])
      assert.equal(skopeoDigest(copy), target.digest)
      // umoci knows neither docker's media types nor zstd.
      if (format !== 'oci' || compression === 'zstd') continue
      writeLayout(sandbox.dataRoot, target, layout)
      execFileSync('umoci', ['unpack', '--image', `${layout}:latest`, bundle])
      assert.equal(readFileSync(join(bundle, 'rootfs/formed'), 'utf8'), 'formed\n')
    }
  })

  function skopeoDigest(directory: string): string {
    return execFileSync('skopeo', ['manifest-digest', join(directory, 'manifest.json')], {
      encoding: 'utf8',
    }).trim()
  }

  async function targetOf(image: string): Promise<{ digest: string; mediaType: string }> {
    return (await inspect(image)).Descriptor
  }

  test('the container’s own config, then the changes, are the image’s', async () => {
    const flags = [
      '--name',
      'conf',
      '--network',
      'none',
      '-e',
      'OWN=1',
      '-l',
      'tier=web',
      '-w',
      '/tmp',
    ]
    await succeeds('create', ...flags, 'redis:alpine', 'redis-server', '--port', '7')
    await succeeds(
      'commit',
      ...['-c', 'ENV PATH=$PATH:/more A="b c"', '-c', 'EXPOSE 80 90-91/udp', '-c', 'USER 5:6'],
      ...[
        '-c',
        'LABEL k="v w"',
        '-c',
        'VOLUME /data /logs',
        '-c',
        'WORKDIR sub',
        '-c',
        'STOPSIGNAL QUIT',
      ],
      ...['-c', 'HEALTHCHECK --interval=5s CMD true', '-c', 'ONBUILD RUN x'],
      ...['conf', 'conf'],
    )
    const { Config } = await inspect('conf')
    assert.deepEqual(Config.Cmd, ['redis-server', '--port', '7'])
    const env = Config.Env as string[]
    assert.ok(env.includes('OWN=1') && env.includes('A=b c'), String(env))
    assert.ok(
      env.some((entry) => /^PATH=.+:\/more$/.test(entry)),
      String(env),
    )
    assert.deepEqual(
      Object.keys(Config.ExposedPorts as object)
        .filter((p) => p !== '6379/tcp')
        .sort(),
      ['80/tcp', '90/udp', '91/udp'],
    )
    assert.equal(Config.User, '5:6')
    assert.deepEqual(
      { ...(Config.Labels as object) },
      { ...(Config.Labels as object), k: 'v w', tier: 'web' },
    )
    assert.deepEqual(Object.keys(Config.Volumes as object).sort(), ['/data', '/logs'])
    assert.equal(Config.WorkingDir, '/tmp/sub')
    assert.equal(Config.StopSignal, 'QUIT')
    assert.deepEqual(Config.Healthcheck, { Test: ['CMD-SHELL', 'true'], Interval: 5e9 })
    assert.deepEqual(Config.OnBuild, ['RUN x'])
    await succeeds('commit', '-c', 'ENTRYPOINT ["echo", "hi"]', 'conf', 'conf:2')
    assert.equal(
      await succeeds('run', '--rm', '--network', 'none', '-u', '0', 'conf:2', 'x'),
      'hi x\n',
    )
    await succeeds('commit', '-c', 'ENTRYPOINT []', '-c', 'CMD echo shell $OWN', 'conf', 'conf:3')
    assert.equal(await succeeds('run', '--rm', '--network', 'none', 'conf:3'), 'shell 1\n')
  })

  test('without a name the image is listed as <none>', async () => {
    const id = (await succeeds('commit', 'files')).trim()
    assert.match(
      await succeeds('images', '-f', 'dangling=true', '--no-trunc'),
      new RegExp(`<none> .*${id}`),
    )
    assert.equal(await inImage(id, 'cat /new'), 'new\n')
    await succeeds('rmi', id)
  })

  test('a running container is paused meanwhile and goes on, also after kill -9', async () => {
    const flags = [
      '-d',
      '--name',
      'busy',
      '--network',
      'none',
      '--entrypoint',
      'sh',
      'redis:alpine',
    ]
    await succeeds(
      'run',
      ...flags,
      '-c',
      'head -c 40000000 /dev/urandom > /big; while :; do date +%N > /now; done',
    )
    await waitFor(() => sizeOfBig() === 40_000_000)
    const commit = sandbox.start(['commit', 'busy', 'busy:1'])
    await waitFor(() => state() === 'paused')
    assert.equal((await commit.finished).exitCode, 0)
    assert.equal(await inImage('busy:1', 'wc -c < /big'), '40000000\n')
    assert.equal(state(), 'running')
    const killed = sandbox.start(['commit', 'busy', 'busy:2'])
    await waitFor(() => state() === 'paused')
    killed.child.kill('SIGKILL')
    await waitFor(() => state() === 'running')
    await killed.finished
    assert.equal(await succeeds('images', '-q', 'busy:2'), '')
    await succeeds('gc')
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'content/ingest')), [])
    const quick = sandbox.start(['commit', '--no-pause', '--compression', 'none', 'busy', 'busy:3'])
    while (quick.child.exitCode === null) {
      assert.equal(state(), 'running')
      await sleep(20)
    }
    assert.equal((await quick.finished).exitCode, 0)
    await succeeds('rm', '-f', 'busy')
  })

  function runc(...args: string[]): string {
    const state = join(sandbox.stateRoot, 'default/.runtime')
    return execFileSync('runc', ['--root', state, ...args], { encoding: 'utf8' })
  }

  function state(): string {
    return JSON.parse(runc('list', '-f', 'json'))[0].status
  }

  function sizeOfBig(): number {
    const [path] = globSync(join(sandbox.stateRoot, 'default/*/rootfs/big'))
    return path !== undefined && existsSync(path) ? readFileSync(path).length : 0
  }

  async function waitFor(isSo: () => boolean): Promise<void> {
    for (let attempt = 0; attempt < 1000; attempt += 1) {
      if (isSo()) return
      await sleep(10)
    }
    assert.fail(`not within time: ${isSo}`)
  }

  test('what cannot be is refused in one line, and nothing is left', async () => {
    const before = await succeeds('content', 'ls', '-q')
    for (const [args, message] of [
      [['commit', 'no-such'], /^tsctr: container no-such: no such container\n/],
      [['commit', 'files', 'UPPER'], /^tsctr: .*UPPER.*\n/],
      [['commit', 'files', `x@sha256:${'0'.repeat(64)}`], /a digest cannot be given to an image\n/],
      [
        ['commit', '-c', 'RUN x', 'files'],
        /^tsctr: --change "RUN x": no such change\nhint: one of CMD/,
      ],
      [['commit', '-c', 'EXPOSE 70000', 'files'], /^tsctr: --change "70000": not a port/],
      [
        ['commit', '-c', 'STOPSIGNAL NOPE', 'files'],
        /^tsctr: --change signal "NOPE": no such signal/,
      ],
      [
        ['commit', '--format', 'docker', '--compression', 'zstd', 'files'],
        /--format docker: has no/,
      ],
      [['commit', '--compression', 'xz', 'files'], /^tsctr: --compression "xz"/],
    ] as const) {
      const { stderr, stdout, exitCode } = await sandbox.run(args)
      assert.equal(exitCode, 1)
      assert.equal(stdout, '')
      assert.match(stderr, message)
    }
    await changedBy('odd', 'echo > /.wh.file')
    const { stderr, exitCode } = await sandbox.run(['commit', 'odd', 'odd'])
    assert.equal(exitCode, 1)
    assert.match(
      stderr,
      /^tsctr: \.wh\.file: a layer cannot hold a file whose name begins with \.wh\.\n$/,
    )
    assert.equal(await succeeds('content', 'ls', '-q'), before)
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'content/ingest')), [])
  })
})
