import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { needsPrograms } from '../helpers/capabilities.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { createSandbox, type RunResult, type Sandbox } from '../helpers/cli.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type AddedImage, type ImageServer, startImageServer } from '../image/image-server.ts'
import { startServer } from '../registry/fake-registry.ts'

let server: ImageServer
let sandbox: Sandbox
let forArm64: AddedImage
let app: string

before(async () => {
  server = await startImageServer()
  app = `${server.server.host}/app`
  const add = (architecture: string): AddedImage =>
    server.add(architecture, { layersBaseFirst: [tarOf(file('a', architecture))], architecture })
  forArm64 = add('arm64')
  server.addIndex('multi', [
    [add('amd64'), 'amd64'],
    [forArm64, 'arm64'],
  ])
})
after(() => server.close())
beforeEach(() => {
  sandbox = createSandbox()
})
afterEach(() => sandbox.cleanup())

async function succeeds(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await sandbox.run(args)
  assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
  return stdout
}

describe('several platforms in one store', () => {
  test('pull, images, inspect, tag, rmi', async () => {
    const name = `${app}:multi`
    const platforms = ['--platform', 'linux/arm64', '--platform=linux/amd64']
    assert.equal(await succeeds('pull', '-q', ...platforms, name), `${name}\n`)
    assert.equal((await succeeds('images', '-q')).split('\n').length, 2)
    const architecture = (...more: string[]): Promise<string> =>
      succeeds('image', 'inspect', '-f', '{{.Architecture}}', ...more)
    assert.equal(await architecture('--platform', 'linux/arm64', name), 'arm64\n')
    assert.equal(await architecture('--platform', 'linux/amd64', name), 'amd64\n')
    // The config of either names the image.
    const arm64Config = forArm64.config.digest
    assert.equal(await succeeds('tag', arm64Config.slice(7, 19), 'both'), '')
    await succeeds('rmi', 'both')
    assert.equal((await succeeds('content', 'ls', '-q')).trim().split('\n').length, 7)
    await succeeds('rmi', arm64Config)
    assert.equal(await succeeds('content', 'ls', '-q'), '')
  })

  test('--all-platforms; --unpack decides what is unpacked', async () => {
    await succeeds('pull', '-q', '--all-platforms', '--unpack=false', `${app}:multi`)
    assert.equal(await succeeds('snapshot', 'ls', '-q'), '')
    await succeeds('pull', '-q', '--all-platforms', '--unpack=true', `${app}:multi`)
    assert.equal((await succeeds('snapshot', 'ls', '-q')).trim().split('\n').length, 2)
  })

  test('DOCKER_DEFAULT_PLATFORM is what is pulled', async () => {
    const env = { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' }
    assert.equal((await sandbox.run(['pull', '-q', `${app}:multi`], { env })).exitCode, 0)
    const shown = await sandbox.run(['images', '--format', '{{.Platform}}'])
    assert.equal(shown.stdout, 'linux/arm64\n')
  })
})

test('--cert-dir says whom to trust, on loopback too', {
  skip: needsPrograms('openssl'),
}, async () => {
  const made = makeCertificate(sandbox.directory, 'reg', { altNames: 'IP:127.0.0.1' })
  const [good, bad] = ['good', 'bad'].map((name) => join(sandbox.directory, name)) as [
    string,
    string,
  ]
  for (const directory of [good, bad]) mkdirSync(directory)
  copyFileSync(made.certificatePath, join(good, 'ca.crt'))
  const secure = await startServer((_request, response) => {
    response.end(JSON.stringify({ name: 'app', tags: ['1'] }))
  }, made)
  try {
    const ask = (...flags: string[]): Promise<RunResult> =>
      sandbox.run(['tags', '-q', ...flags, `${secure.host}/app`])
    assert.deepEqual(await ask('--cert-dir', good), { stdout: '1\n', stderr: '', exitCode: 0 })
    const refused = await ask('--cert-dir', bad)
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /^tsctr: registry 127\.0\.0\.1:\d+: .*certificate/)
    const missing = await ask('--cert-dir', join(sandbox.directory, 'none'))
    assert.match(missing.stderr, /^tsctr: --cert-dir \/.*\/none: no such directory\n/)
    const login = ['login', '-u', 'me', '--password-stdin', secure.host, '--cert-dir']
    assert.equal((await sandbox.run([...login, bad], { input: 'x' })).exitCode, 1)
    assert.equal((await sandbox.run([...login, good], { input: 'x' })).exitCode, 0)
  } finally {
    await secure.close()
  }
})

test('--all-tags pulls each; a tag beside it is refused', async () => {
  server.overrides.set('list', (_request, response) => void response.end())
  server.overrides.set('list?n=1000', (_request, response) => {
    response.end(JSON.stringify({ name: 'app', tags: ['amd64', 'multi', 'gone'] }))
  })
  const result = await sandbox.run(['pull', '-q', '-a', app])
  assert.equal(result.stdout, `${app}:amd64\n${app}:multi\n`)
  assertFails(result, /app:gone: not found/, result.stdout)
  const refused = await sandbox.run(['pull', '-a', `${app}:multi`])
  assertFails(refused, /:multi: a tag cannot be used with --all-tags\n/)
})

test('--policy: never asks nobody, newer makes do', async () => {
  assertFails(
    await sandbox.run(['pull', '--policy', 'never', `${app}:amd64`]),
    /^tsctr: image .*app:amd64: not here\nhint: /m,
  )
  await succeeds('pull', '-q', `${app}:amd64`)
  server.overrides.set('amd64', (_request, response) => void response.writeHead(403).end())
  try {
    assert.equal(await succeeds('pull', '-q', '--policy=missing', `${app}:amd64`), `${app}:amd64\n`)
    const { stderr, exitCode } = await sandbox.run(['pull', '--policy=newer', `${app}:amd64`])
    assert.equal(exitCode, 0)
    assert.match(stderr, /^WARNING: .*access denied.*; using what is here$/m)
  } finally {
    server.overrides.delete('amd64')
  }
})

test('--retry, --creds and --max-concurrent-downloads reach the registry client', async () => {
  let asked = 0
  server.overrides.set('flaky', (request, response) => {
    asked += 1
    if (request.headers.authorization !== undefined) response.writeHead(503).end()
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
  })
  const flags = ['--retry', '1', '--retry-delay', '0s', '--creds', 'user:secret-word']
  const result = await sandbox.run(['pull', '-q', ...flags, `${app}:flaky`])
  assertFails(result, /503/)
  assert.doesNotMatch(result.stderr, /secret-word/)
  assert.equal(asked, 3)
  await succeeds('pull', '-q', '--max-concurrent-downloads', '1', `${app}:amd64`)
})

test('bad values are refused, each in a line', async () => {
  for (const [args, message] of [
    [['--policy', 'often'], /^tsctr: --policy "often": must be always, missing, never or newer/],
    [['--retry', '-1'], /^tsctr: --retry "-1": not a whole number/],
    [['--retry-delay', 'soon'], /^tsctr: --retry-delay "soon": not a time span/],
    [['--max-concurrent-downloads', '0'], /^tsctr: --max-concurrent-downloads "0": not a whole/],
    [['--creds', 'secret-word'], /^tsctr: --creds: must be USER:PASSWORD/],
    [
      ['--all-platforms', '--platform', 'linux/amd64'],
      /^tsctr: --all-platforms: cannot be used with --platform/,
    ],
  ] as const) {
    assertFails(await sandbox.run(['pull', ...args, `${app}:amd64`]), message)
  }
  const env = { TSCTR_MAX_CONCURRENT_DOWNLOADS: 'x' }
  const result = await sandbox.run(['pull', `${app}:amd64`], { env })
  assertFails(result, /^tsctr: TSCTR_MAX_CONCURRENT_DOWNLOADS "x": not a whole number/)
})

function assertFails(result: RunResult, message: RegExp, stdout = ''): void {
  assert.match(result.stderr, message)
  assert.deepEqual([result.stdout, result.exitCode], [stdout, 1])
}
