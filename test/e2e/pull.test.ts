import assert from 'node:assert/strict'
import { chownSync, existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsPrograms, needsRegistry, needsRoot } from '../helpers/capabilities.ts'
import { createSandbox, type RunResult, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type ImageServer, startImageServer } from '../image/image-server.ts'
import { sendBlob, startServer } from '../registry/fake-registry.ts'

const escapeCode = '\x1b'
let sandbox: Sandbox

beforeEach(() => {
  sandbox = createSandbox()
})
afterEach(() => sandbox.cleanup())

/** What is in a directory of the data root; nothing if it was not made. */
function names(directory: string): string[] {
  const path = join(sandbox.dataRoot, directory)
  return existsSync(path) ? readdirSync(path).sort() : []
}

describe('pull from a registry', { skip: needsRegistry() }, () => {
  let registry: RunningRegistry

  before(async () => {
    registry = await startRegistry()
  })
  after(() => registry.stop())
  beforeEach(() => sandbox.useRegistry(registry.host))

  test('prints the name on stdout, and on stderr a line for each change of state', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['pull', 'busybox'])
    assert.equal(exitCode, 0, stderr)
    assert.equal(stdout, 'docker.io/library/busybox:latest\n')
    const lines = stderr.split('\n')
    assert.equal(lines[0], 'Using default tag: latest')
    const layers = lines.filter((line) => /^layer-sha256:[0-9a-f]{64}: /.test(line))
    assert.equal(layers.filter((line) => line.endsWith(': done')).length, 1)
    assert.match(stderr, /^elapsed: .*s total: .* MiB \(.*\/s\)$/m)
    assert.match(stderr, /^Status: Downloaded newer image for busybox:latest$/m)
    assert.ok(!stderr.includes(escapeCode), 'cursor codes without a terminal')
    assert.deepEqual(names('snapshots'), ['1'])
  })

  test('again finds nothing to do', async () => {
    await sandbox.run(['pull', '-q', 'busybox:latest'])
    const before = await registry.accessLog()
    const { stderr } = await sandbox.run(['image', 'pull', 'busybox:latest'])
    assert.match(stderr, /^layer-sha256:\w+: exists$/m)
    assert.match(stderr, /^Status: Image is up to date for busybox:latest$/m)
    const asked = (await registry.accessLog()).slice(before.length)
    assert.deepEqual(
      asked.filter(({ path }) => path.includes('/blobs/')),
      [],
    )
  })

  test('-q prints the name alone', async () => {
    const { stdout, stderr } = await sandbox.run(['pull', '-q', 'busybox'])
    assert.deepEqual([stdout, stderr], ['docker.io/library/busybox:latest\n', ''])
  })

  test('--progress json prints one object a line', async () => {
    const { stdout, stderr } = await sandbox.run(['pull', '--progress', 'json', 'busybox:zstd'])
    assert.equal(stdout, 'docker.io/library/busybox:zstd\n')
    const events = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(events.at(0).kind, 'resolving')
    assert.equal(events.at(-1).kind, 'finished')
    assert.ok(events.at(-1).transferredBytes > 1_000_000)
  })

  test('--unpack=false leaves the layers packed', async () => {
    const { exitCode } = await sandbox.run(['pull', '--unpack=false', 'redis:alpine'])
    assert.equal(exitCode, 0)
    assert.equal(names('content/blobs/sha256').length, 9)
    assert.deepEqual(names('snapshots'), [])
    const { stdout } = await sandbox.run(['images', '--format', '{{.Repository}} {{.Size}}'])
    assert.equal(stdout, 'redis <none>\n')
  })

  test('--platform and DOCKER_DEFAULT_PLATFORM choose from the index', async () => {
    const platform = ['image', 'inspect', '-f', '{{.Architecture}}', 'redis:alpine']
    await sandbox.run(['pull', '-q', '--platform', 'linux/arm64', 'redis:alpine'])
    assert.equal((await sandbox.run(platform)).stdout, 'arm64\n')
    const env = { DOCKER_DEFAULT_PLATFORM: 'linux/amd64' }
    await sandbox.run(['pull', '-q', 'redis:alpine'], { env })
    assert.equal((await sandbox.run(platform, { env })).stdout, 'amd64\n')
    const missing = await sandbox.run(['pull', '--platform=linux/s390x', 'redis:alpine'])
    assertFails(missing, /no image for platform linux\/s390x$/m)
  })

  test('two at once fetch each blob once', async () => {
    const before = (await registry.accessLog()).length
    const results = await Promise.all([
      sandbox.run(['pull', '-q', 'redis:alpine']),
      sandbox.run(['pull', '-q', 'redis:alpine']),
    ])
    for (const { exitCode, stderr } of results) assert.equal(exitCode, 0, stderr)
    const fetched = (await registry.accessLog())
      .slice(before)
      .filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'))
      .map(({ path }) => path)
    assert.equal(fetched.length, 7)
    assert.equal(new Set(fetched).size, 7)
    assert.equal(names('snapshots').length, 6)
  })

  test('on a terminal it draws in place and leaves the cursor visible', async (context) => {
    const missing = needsPrograms('script')
    if (missing !== false) return context.skip(missing)
    const { stdout, exitCode } = await sandbox.run(
      ['-qec', `${sandbox.program} pull busybox`, '/dev/null'],
      { program: 'script', env: { TERM: 'xterm' } },
    )
    assert.equal(exitCode, 0, stdout)
    assert.ok(stdout.includes(`${escapeCode}[`))
    assert.match(stdout, /docker\.io\/library\/busybox:latest\r?\n$/)
    const lastHidden = stdout.lastIndexOf(`${escapeCode}[?25l`)
    assert.ok(lastHidden === -1 || stdout.indexOf(`${escapeCode}[?25h`, lastHidden) > lastHidden)
  })

  test('works for a user without privileges, on a data root of its own', async (context) => {
    const reason = needsRoot() || needsPrograms('setpriv')
    if (reason !== false) return context.skip(reason)
    const nobody = 65534
    const prefix = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups']
    const asNobody = (...args: string[]): Promise<RunResult> => sandbox.run(args, { prefix })
    chownSync(sandbox.directory, nobody, nobody)
    const trial = await asNobody('--version')
    if (trial.exitCode !== 0) return context.skip('needs a checkout that other users can read')
    const { exitCode, stderr } = await asNobody('pull', 'redis:alpine')
    assert.equal(exitCode, 0, stderr)
    assert.equal(statSync(join(sandbox.dataRoot, 'snapshots/1/fs/bin'), {}).uid, nobody)
    assert.match((await asNobody('images')).stdout, /^redis +alpine +[0-9a-f]{12} /m)
    assert.match((await asNobody('inspect', '-f', '{{.Os}}', 'redis:alpine')).stdout, /^linux$/m)
    assert.equal((await asNobody('content', 'ls', '-q')).stdout.trim().split('\n').length, 9)
    assert.equal((await asNobody('snapshot', 'ls', '-q')).stdout.trim().split('\n').length, 6)
    assert.equal((await asNobody('rmi', 'redis:alpine')).exitCode, 0)
    assert.deepEqual(names('snapshots'), [])
  })

  test('an image that is not there: one line, and nothing is left', async () => {
    const result = await sandbox.run(['pull', '-q', 'no-such-image'])
    assertFails(result, /^tsctr: docker\.io\/library\/no-such-image:latest: not found\n$/)
    assert.deepEqual(names('content/ingest'), [])
    assert.equal((await sandbox.run(['images', '-q'])).stdout, '')
  })

  test('bad references and flags are refused before anything is made', async () => {
    for (const [args, message] of [
      [['pull', 'UPPER'], /^tsctr: UPPER: invalid reference format: .* must be lowercase\n/],
      [['pull', '--no-such', 'busybox'], /^tsctr: pull: unknown option '--no-such'\nhint: /],
      [['pull', '--unpack=maybe', 'busybox'], /^tsctr: --unpack "maybe": must be auto, true or/],
      [['pull', '--platform', 'a/b/c/d', 'busybox'], /^tsctr: platform a\/b\/c\/d: must be OS/],
      [['pull'], /^tsctr: pull: missing required argument/],
    ] as const) {
      assertFails(await sandbox.run(args), message)
    }
    assert.deepEqual(readdirSync(sandbox.directory), ['hosts'])
  })
})

describe('pull from a registry that fails', () => {
  let server: ImageServer

  before(async () => {
    server = await startImageServer()
  })
  after(() => server.close())

  test('nobody listens: the registry is named', async () => {
    const result = await sandbox.run(['pull', '-q', '127.0.0.1:1/app'])
    assertFails(
      result,
      /^tsctr: 127\.0\.0\.1:1\/app:latest: registry 127\.0\.0\.1:1: .*\nhint: .*\n$/,
    )
  })

  test('bytes that are not what the digest says are never named', async () => {
    const { layersBaseFirst } = server.add('wrong', { layersBaseFirst: [tarOf(file('a', 'a'))] })
    const [layer] = layersBaseFirst
    server.overrides.set(String(layer?.digest), (_request, response) => {
      response.end(Buffer.alloc(layer?.sizeBytes ?? 0))
    })
    const name = `${server.server.host}/app:wrong`
    const result = await sandbox.run(['pull', '-q', name])
    const words = `: blob ${layer?.digest}: expected ${layer?.digest}, got sha256:`
    assertFails(result, new RegExp(`^tsctr: ${name}${words}[0-9a-f]{64}\\n$`))
    assert.deepEqual(names('snapshots'), [])
    assert.deepEqual(names('content/ingest'), [])
  })

  test('b4 50: a blob that is another after a reset is refused, and the next pull starts anew', async () => {
    const body = tarOf(file('b', Buffer.alloc(200_000, 'b')))
    const { layersBaseFirst } = server.add('changes', { layersBaseFirst: [body] })
    const digest = String(layersBaseFirst[0]?.digest)
    let asked = 0
    server.overrides.set(digest, (request, response) => {
      asked += 1
      if (asked > 1) return sendBlob(request, response, Buffer.alloc(body.length, 'other'))
      response.writeHead(200, { 'content-length': body.length })
      response.write(body.subarray(0, 100_000), () => response.req.socket.destroy())
    })
    const name = `${server.server.host}/app:changes`
    const result = await sandbox.run(['pull', '-q', name])
    assertFails(result, new RegExp(`: expected ${digest}, got sha256:`))
    assert.deepEqual(names('content/ingest'), [])
    server.overrides.delete(digest)
    assert.equal((await sandbox.run(['pull', '-q', name])).exitCode, 0)
  })

  test('b4 51: Ctrl-C on a registry that says nothing ends within a second', async () => {
    const silent = await startServer(() => {})
    try {
      const { child, finished } = sandbox.start(['pull', '-q', `${silent.host}/app`])
      while (silent.requests.length === 0) await delay(10)
      const startedAt = performance.now()
      child.kill('SIGINT')
      assert.equal((await finished).exitCode, 130)
      assert.ok(performance.now() - startedAt < 1500)
    } finally {
      await silent.close()
    }
  })

  test('--debug shows each request, without its query', async () => {
    server.add('debug', { layersBaseFirst: [tarOf(file('c', 'c'))] })
    const { stderr } = await sandbox.run([
      '--debug',
      'pull',
      '-q',
      `${server.server.host}/app:debug`,
    ])
    const url = `http://${server.server.host}/v2/app/manifests/debug`
    assert.match(stderr, new RegExp(`^debug: GET ${url} 200 \\d+ ms$`, 'm'))
  })

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} ends it with ${exitCode}; the next one goes on where it was`, async () => {
      const tag = signal.toLowerCase()
      const body = tarOf(file(tag, Buffer.alloc(200_000, tag)))
      const { layersBaseFirst } = server.add(tag, { layersBaseFirst: [body] })
      const digest = String(layersBaseFirst[0]?.digest)
      const half = body.length / 2
      server.overrides.set(digest, (_request, response) => {
        response.writeHead(200, { 'content-length': body.length })
        response.write(body.subarray(0, half))
      })
      const name = `${server.server.host}/app:${tag}`
      const { child, finished } = sandbox.start(['pull', '--progress', 'json', name])
      const partial = join(sandbox.dataRoot, 'content/ingest', digest.slice(7), 'data')
      while (statSync(partial, { throwIfNoEntry: false })?.size !== half) await delay(10)
      child.kill(signal)
      const { stderr, exitCode: code, stdout } = await finished
      assert.deepEqual([code, stdout], [exitCode, ''])
      assert.match(stderr, new RegExp(`^tsctr: ${name}: interrupted$`, 'm'))
      server.overrides.delete(digest)
      assert.equal((await sandbox.run(['pull', '-q', name])).exitCode, 0)
      const last = server.server.requests.findLast(({ url }) => url.endsWith(digest))
      assert.equal(last?.headers.range, `bytes=${half}-`)
    })
  }
})

function assertFails({ stdout, stderr, exitCode }: RunResult, message: RegExp): void {
  assert.match(stderr, message)
  assert.deepEqual([stdout, exitCode], ['', 1])
  assert.doesNotMatch(stderr, /^ {4}at /m, 'a stack trace')
}
