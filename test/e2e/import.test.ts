import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { needsContainers, needsPrograms } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { writeLayout, writeSkopeoDirectory } from '../helpers/oci-layout.ts'
import { file, hardLink, symlink, tarOf } from '../helpers/tar-builder.ts'

describe('tsctr import', { skip: needsContainers() }, () => {
  let sandbox: Sandbox
  let archive: Buffer
  let server: Server

  before(async () => {
    sandbox = createSandbox()
    archive = busyboxRoot(join(sandbox.directory, 'root'))
    for (const [name, bytes] of [
      ['root.tar', archive],
      ['root.tar.gz', gzipSync(archive)],
      ['root.tar.zst', zstdCompressSync(archive)],
    ] as const) {
      writeFileSync(join(sandbox.directory, name), bytes)
    }
    server = createServer((request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/root.tar.gz' }).end()
      else if (request.url === '/short') {
        response.writeHead(200, { 'content-length': archive.length })
        response.write(archive.subarray(0, 5000), () => response.destroy())
      } else if (request.url === '/secret') {
        const isAllowed = request.headers.authorization === `Basic ${btoa('me:pass word')}`
        response.writeHead(isAllowed ? 200 : 401).end(isAllowed ? archive : '')
      } else if (request.url === '/root.tar.gz') response.end(gzipSync(archive))
      else response.writeHead(404).end()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
  })

  after(() => {
    server.close()
    sandbox.cleanup()
  })

  const path = (name: string): string => join(sandbox.directory, name)
  const address = (name: string): string =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`

  async function succeeds(args: string[], input?: Buffer): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args, { input })
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  async function inspect(image: string) {
    return JSON.parse(await succeeds(['image', 'inspect', image]))[0]
  }

  const hi = ['/bin/busybox', 'cat', '/hello']

  test('a file, stdin and an address, plain, gzip and zstd, run', async () => {
    for (const [source, input] of [
      [path('root.tar'), undefined],
      [path('root.tar.gz'), undefined],
      [path('root.tar.zst'), undefined],
      ['-', archive],
      ['-', zstdCompressSync(archive)],
      [address('moved'), undefined],
    ] as const) {
      const id = (await succeeds(['import', source, 'imported:1'], input)).trim()
      assert.match(id, /^sha256:[0-9a-f]{64}$/)
      assert.equal(await succeeds(['images', '-q', '--no-trunc', 'imported']), `${id}\n`)
      const run = ['run', '--rm', '--network', 'none', 'imported:1', ...hi]
      assert.equal(await succeeds(run), 'hello\n', source)
    }
    const { RootFS, Comment } = await inspect('imported:1')
    assert.equal(RootFS.Layers.length, 1)
    assert.equal(Comment, `Imported from ${address('moved')}`)
  })

  test('-m, -c and --platform are in the config; without a name it is <none>', async () => {
    const changes = [
      '-c',
      'CMD ["/bin/busybox", "echo", "cmd"]',
      '-c',
      'ENV A=1',
      '-c',
      'WORKDIR /tmp',
    ]
    const id = (await succeeds(['import', '-m', 'why', ...changes, path('root.tar')])).trim()
    const { Comment, Config } = await inspect(id)
    assert.equal(Comment, 'why')
    assert.deepEqual(Config.Env, ['A=1'])
    assert.equal(Config.WorkingDir, '/tmp')
    assert.equal(await succeeds(['run', '--rm', '--network', 'none', id]), 'cmd\n')
    assert.match(await succeeds(['images', '-f', 'dangling=true']), /^<none> +<none> +/m)
    await succeeds(['import', '--platform', 'linux/arm/v6', path('root.tar'), 'foreign'])
    const foreign = await inspect('foreign')
    assert.deepEqual([foreign.Architecture, foreign.Variant], ['arm', 'v6'])
  })

  test('skopeo and umoci read the image', { skip: needsPrograms('skopeo', 'umoci') }, async () => {
    await succeeds(['import', path('root.tar.gz'), 'judged'])
    const { Descriptor } = await inspect('judged')
    writeSkopeoDirectory(sandbox.dataRoot, Descriptor, path('source'))
    const copy = [
      '--insecure-policy',
      'copy',
      '-q',
      `dir:${path('source')}`,
      `oci:${path('oci')}:x`,
    ]
    execFileSync('skopeo', copy)
    writeLayout(sandbox.dataRoot, Descriptor, path('layout'))
    execFileSync('umoci', ['unpack', '--image', `${path('layout')}:latest`, path('bundle')])
    assert.equal(readFileSync(path('bundle/rootfs/hello'), 'utf8'), 'hello\n')
  })

  test('an exported container comes back', async () => {
    const script = 'echo changed > /hello; /bin/busybox chown 5:6 /hello'
    await succeeds([
      'run',
      '--name',
      'box',
      '--network',
      'none',
      'imported:1',
      '/bin/busybox',
      'sh',
      '-c',
      script,
    ])
    await succeeds(['export', '-o', path('export.tar'), 'box'])
    await succeeds(['import', path('export.tar'), 'back'])
    const look = 'cat /hello; stat -c %u:%g /hello'
    const run = ['run', '--rm', '--network', 'none', 'back', '/bin/busybox', 'sh', '-c', look]
    assert.equal(await succeeds(run), 'changed\n5:6\n')
  })

  test('what is only there to be mounted on is in no diff and in no layer', async () => {
    await succeeds([
      'run',
      '--name',
      'idle',
      '--network',
      'none',
      'imported:1',
      '/bin/cat',
      '/etc/hosts',
    ])
    assert.equal(await succeeds(['diff', 'idle']), '')
    await succeeds(['commit', 'idle', 'idle'])
    assert.deepEqual((await inspect('idle')).RootFS, (await inspect('imported:1')).RootFS)
    const script = 'echo x > /etc/own'
    await succeeds([
      'run',
      '--name',
      'own',
      '--network',
      'none',
      'imported:1',
      '/bin/busybox',
      'sh',
      '-c',
      script,
    ])
    assert.equal(await succeeds(['diff', 'own']), 'A /etc\nA /etc/own\n')
  })

  test('credentials in an address reach its host and nothing else', async () => {
    const withSecret = address('secret').replace('//', '//me:pass%20word@')
    await succeeds(['import', withSecret, 'secret'])
    const { Comment } = await inspect('secret')
    assert.equal(Comment, `Imported from ${address('secret')}`)
    const { stderr } = await sandbox.run(['import', withSecret.replace('pass', 'wrong'), 'secret'])
    assert.match(stderr, /^tsctr: http:\/\/127\.0\.0\.1:\d+\/secret: 401 Unauthorized\n$/)
  })

  test('what is hostile or no archive is refused, and nothing is left', async () => {
    await succeeds(['gc'])
    const blobs = await succeeds(['content', 'ls', '-q'])
    const snapshots = await succeeds(['snapshot', 'ls', '-q'])
    const cases: [bytes: Buffer, message: RegExp][] = [
      [Buffer.alloc(5000, 'junk'), /not a tar archive/],
      [archive.subarray(0, 3000), /cut off/],
      [gzipSync(archive).subarray(0, 3000), /gzip|cut/],
      [Buffer.concat([Buffer.from('BZh91AY'), archive]), /bzip2/],
      [Buffer.concat([Buffer.from('\xfd7zXZ\0', 'latin1'), archive]), /xz/],
      [tarOf(hardLink('a', '../../../etc/passwd')), /etc\/passwd/],
      [tarOf(file('a/.wh...', '')), /whiteout does not name a file/],
    ]
    for (const [bytes, message] of cases) {
      const { stdout, stderr, exitCode } = await sandbox.run(['import', '-', 'bad'], {
        input: bytes,
      })
      assert.equal(exitCode, 1, stderr)
      assert.equal(stdout, '')
      assert.match(stderr, message)
      assert.equal(stderr.split('\n').filter((line) => line.startsWith('tsctr:')).length, 1)
    }
    for (const [source, message] of [
      ['/no/such/file', /^tsctr: \/no\/such\/file: no such file\n/],
      [sandbox.directory, /is a directory, not an archive\nhint: tar -C /],
      [address('nothing'), /\/nothing: 404 Not Found\n$/],
      [address('short'), /^tsctr: http:\/\/127\.0\.0\.1:\d+\/short: /],
      ['http://127.0.0.1:1/x', /ECONNREFUSED/],
    ] as const) {
      const { stderr, exitCode } = await sandbox.run(['import', source, 'bad'])
      assert.equal(exitCode, 1)
      assert.match(stderr, message)
    }
    assert.equal(await succeeds(['content', 'ls', '-q']), blobs)
    assert.equal(await succeeds(['snapshot', 'ls', '-q']), snapshots)
    assert.equal(await succeeds(['images', '-q', 'bad']), '')
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'content/ingest')), [])
  })

  test('names that lead out of the root stay in it', async () => {
    const canary = path('canary')
    const bytes = tarOf(
      symlink('out', sandbox.directory),
      file('out/canary', 'written'),
      file('../../up', 'x'),
    )
    await succeeds(['import', '-', 'contained'], bytes)
    assert.throws(() => readFileSync(canary))
  })
})

/** A root filesystem of busybox alone. */
function busyboxRoot(root: string): Buffer {
  mkdirSync(join(root, 'bin'), { recursive: true })
  mkdirSync(join(root, 'tmp'))
  const program = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
  writeFileSync(join(root, 'bin/busybox'), readFileSync(program), { mode: 0o755 })
  symlinkSync('busybox', join(root, 'bin/cat'))
  symlinkSync('busybox', join(root, 'bin/stat'))
  writeFileSync(join(root, 'hello'), 'hello\n')
  return execFileSync('tar', ['-C', root, '--owner=0', '--group=0', '-c', '.'], {
    maxBuffer: 64 * 1024 * 1024,
  })
}
