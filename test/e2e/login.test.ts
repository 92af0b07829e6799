import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsPrograms, needsRegistry } from '../helpers/capabilities.ts'
import { type Certificate, makeCertificate } from '../helpers/certificate.ts'
import { createSandbox, type RunOptions, type RunResult, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

// `htpasswd -nbB me secret-word`
const htpasswd = 'me:$2y$05$abcdefghijklmnopqrstuuUOabO4v2PoT/v47Y.znQK.9MsMDnesq\n'

let sandbox: Sandbox

beforeEach(() => {
  sandbox = createSandbox()
})
afterEach(() => sandbox.cleanup())

function configPath(): string {
  return join(sandbox.directory, '.docker/config.json')
}

function run(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  // A runtime directory of its own: root's real one may hold logins.
  const env = { XDG_RUNTIME_DIR: join(sandbox.directory, 'runtime'), ...options.env }
  return sandbox.run(args, { ...options, env })
}

describe('a registry with TLS and passwords', {
  skip: needsRegistry() || needsPrograms('openssl', 'script'),
}, () => {
  let directory: string
  let certificate: Certificate
  let registry: RunningRegistry
  let host: string

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tsctr-closed-'))
    // 0.0.0.0 leads to this machine and is no loopback address: TLS is checked.
    certificate = makeCertificate(directory, 'reg', { altNames: 'IP:0.0.0.0,IP:127.0.0.1' })
    const htpasswdPath = join(directory, 'htpasswd')
    writeFileSync(htpasswdPath, htpasswd)
    registry = await startRegistry({
      certificate: certificate.certificatePath,
      key: certificate.keyPath,
      htpasswd: htpasswdPath,
    })
    host = `0.0.0.0:${registry.port}`
  })
  after(async () => {
    await registry?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  function trustAuthority(): void {
    const place = join(sandbox.hostsDir, host)
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'ca.crt'), certificate.cert)
  }

  function logIn(password = 'secret-word', options: RunOptions = {}): Promise<RunResult> {
    const args = ['login', '-u', 'me', '--password-stdin', host]
    return run(args, { input: `${password}\n`, ...options })
  }

  test('login, pull, logout', async () => {
    trustAuthority()
    const image = `${host}/library/busybox`
    const refused = await run(['pull', '-q', image])
    assert.deepEqual([refused.exitCode, refused.stdout], [1, ''])
    assert.equal(
      refused.stderr,
      `tsctr: ${image}:latest: registry ${host}: needs a login\nhint: tsctr login ${host}\n`,
    )
    const login = await logIn()
    assert.deepEqual([login.exitCode, login.stdout], [0, 'Login Succeeded\n'], login.stderr)
    const where = `WARNING! Your credentials are stored unencrypted in '${configPath()}'.`
    assert.ok(login.stderr.includes(where), login.stderr)
    const auth = Buffer.from('me:secret-word').toString('base64')
    assert.deepEqual(JSON.parse(readFileSync(configPath(), 'utf8')), {
      auths: { [host]: { auth } },
    })
    assert.equal(statSync(configPath()).mode & 0o777, 0o600)
    const pulled = await run(['pull', '-q', image])
    assert.deepEqual([pulled.exitCode, pulled.stdout], [0, `${image}:latest\n`], pulled.stderr)
    const again = await run(['login', host])
    assert.equal(
      again.stdout,
      'Authenticating with existing credentials... [Username: me]\nLogin Succeeded\n',
    )
    const logout = await run(['logout', host])
    assert.equal(logout.stdout, `Removing login credentials for ${host}\n`)
    assert.equal(logout.stderr, '')
    assert.deepEqual(JSON.parse(readFileSync(configPath(), 'utf8')), { auths: {} })
    assert.equal((await run(['pull', '-q', `${image}:other`])).exitCode, 1)
  })

  test('a wrong password is refused and not saved', async () => {
    trustAuthority()
    const { exitCode, stdout, stderr } = await logIn('wrong')
    assert.deepEqual([exitCode, stdout], [1, ''])
    assert.equal(stderr, `tsctr: registry ${host}: does not accept this user and password\n`)
    assert.ok(!existsSync(configPath()))
  })

  test('docker’s warning for -p; an existing login that is wrong now is asked for anew', async () => {
    trustAuthority()
    const { exitCode, stderr } = await run(['login', '-u', 'me', '-p', 'secret-word', host])
    assert.equal(exitCode, 0)
    assert.match(
      stderr,
      /^WARNING! Using --password via the CLI is insecure\. Use --password-stdin\.\n/,
    )
    const wrong = { auth: Buffer.from('me:old').toString('base64') }
    writeFileSync(configPath(), JSON.stringify({ auths: { [host]: wrong } }))
    const again = await run(['login', host])
    assert.equal(again.exitCode, 1)
    assert.match(again.stderr, /^Login did not succeed, error: registry .* does not accept this/)
    assert.match(again.stderr, /stdin is no terminal to ask on$/m)
  })

  test('on a terminal it asks, and does not show the password', async () => {
    trustAuthority()
    const command = `${sandbox.program} login ${host}`
    const { child, finished } = sandbox.start(['-qefc', command, '/dev/null'], {
      program: 'script',
      env: { XDG_RUNTIME_DIR: join(sandbox.directory, 'runtime') },
      keepsStdinOpen: true,
    })
    let shown = ''
    const answers = [
      ['Username: ', 'me\r'],
      ['Password: ', 'secret-worx\x7fd\r'],
    ]
    child.stdout?.on('data', (chunk: Buffer) => {
      shown += chunk.toString()
      const [question = '', answer = ''] = answers[0] ?? []
      if (question === '' || !shown.endsWith(question)) return
      answers.shift()
      child.stdin?.write(answer)
    })
    const { exitCode } = await finished
    assert.equal(exitCode, 0, shown)
    assert.match(shown, /Login Succeeded/)
    assert.doesNotMatch(shown, /secret-|worx/)
    assert.match(readFileSync(configPath(), 'utf8'), /"auth"/)
  })

  test('a store keeps the secret', async () => {
    trustAuthority()
    const bin = join(sandbox.directory, 'bin')
    mkdirSync(bin)
    const helper = join(bin, 'docker-credential-file')
    writeFileSync(
      helper,
      `#!/bin/sh
      case $1 in
        store) cat > ${bin}/kept ;;
        get) cat > /dev/null; cat ${bin}/kept 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
        erase) rm ${bin}/kept ;;
      esac
      `,
    )
    chmodSync(helper, 0o755)
    mkdirSync(join(sandbox.directory, '.docker'))
    writeFileSync(configPath(), '{"credsStore":"file"}')
    const options = { env: { PATH: `${bin}:${process.env.PATH}` } }
    const login = await logIn('secret-word', options)
    assert.deepEqual([login.stdout, login.stderr], ['Login Succeeded\n', ''])
    assert.doesNotMatch(readFileSync(configPath(), 'utf8'), /"auth"/)
    assert.match(readFileSync(join(bin, 'kept'), 'utf8'), /"Secret":"secret-word"/)
    const pulled = await run(['pull', '-q', `${host}/library/busybox`], options)
    assert.equal(pulled.exitCode, 0, pulled.stderr)
    assert.equal((await run(['logout', host], options)).exitCode, 0)
    assert.ok(!existsSync(join(bin, 'kept')))
  })

  test('a private authority: refused unless trusted, in any of the ways', async () => {
    const { exitCode, stderr } = await logIn()
    assert.equal(exitCode, 1)
    assert.match(stderr, new RegExp(`^tsctr: registry ${host}: self-signed certificate`))
    assert.match(stderr, /^hint: trust its authority with `ca` in hosts.toml/m)
    for (const name of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS']) {
      const env = { [name]: certificate.certificatePath }
      assert.equal((await logIn('secret-word', { env })).exitCode, 0, name)
    }
    const args = ['login', '-u', 'me', '--password-stdin', host]
    for (const insecure of [host, '0.0.0.0/32']) {
      const flags = ['--insecure-registry', insecure, ...args]
      assert.equal((await run(flags, { input: 'secret-word' })).exitCode, 0, insecure)
    }
  })

  test('a login in a file that is read before docker’s is pointed out', async () => {
    trustAuthority()
    const other = join(sandbox.directory, 'runtime/containers/auth.json')
    mkdirSync(join(sandbox.directory, 'runtime/containers'), { recursive: true })
    writeFileSync(other, JSON.stringify({ auths: { [host]: { auth: 'bWU6b2xk' } } }))
    assert.match(
      (await logIn()).stderr,
      new RegExp(`^WARNING: ${other} has another login for`, 'm'),
    )
    const { stderr } = await run(['logout', host])
    assert.equal(stderr, `WARNING: ${other} still has a login for ${host}\n`)
  })
})

test('flags that contradict each other, and servers that are none', async () => {
  for (const [args, words] of [
    [['login', '--password-stdin', 'r.io'], /--password-stdin: needs --username/],
    [['login', '-u', 'a', '-p', 'b', '--password-stdin'], /give one of them/],
    [['login', 'r.io'], /r\.io: stdin is no terminal to ask on\nhint: use --username/],
    [['login', '-u', 'a', 'r.io'], /stdin is no terminal to ask on/],
    [['login', '-u', 'a', '--password-stdin', 'r.io'], /the password is empty/],
    [['login', '-u', '', '-p', 'x', 'r.io'], /the user name is empty/],
    [['login', '-u', 'a', '-p', 'b', 'r_io'], /r_io: not the host of a registry/],
    [['logout', 'a b'], /"a b": not the host of a registry/],
    [['login', 'a', 'b'], /too many arguments/],
  ] as const) {
    const { exitCode, stdout, stderr } = await run(args)
    assert.deepEqual([exitCode, stdout], [1, ''], stderr)
    assert.match(stderr, words)
    assert.doesNotMatch(stderr, /^ {4}at /m)
  }
  assert.ok(!existsSync(configPath()))
})

test('a server that is no registry, and one that is not there', async () => {
  const { stderr, exitCode } = await run(['login', '-u', 'a', '-p', 'secret-word', '127.0.0.1:1'])
  assert.equal(exitCode, 1)
  assert.match(stderr, /^tsctr: registry 127\.0\.0\.1:1: connect ECONNREFUSED/m)
  assert.doesNotMatch(stderr, /secret-word/)
})
