import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsPrograms, needsRegistry } from '../helpers/capabilities.ts'
import { type Certificate, makeCertificate } from '../helpers/certificate.ts'
import { createSandbox, type RunResult, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

// `htpasswd -nbB me secret-word`
const htpasswd = 'me:$2y$05$abcdefghijklmnopqrstuuUOabO4v2PoT/v47Y.znQK.9MsMDnesq\n'

const skip = needsRegistry() || needsPrograms('openssl')

describe('a registry whose certificate a private authority has issued', { skip }, () => {
  let directory: string
  let authority: Certificate
  let client: Certificate
  /** Takes whoever has the password. */
  let open: RunningRegistry
  /** Wants a certificate of the client, too. */
  let closed: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tsctr-authority-'))
    authority = makeCertificate(directory, 'authority', { altNames: 'DNS:authority' })
    // 0.0.0.0 leads to this machine and is no loopback address, which might show any certificate.
    const names = { altNames: 'IP:0.0.0.0,IP:127.0.0.1', authority }
    const server = makeCertificate(directory, 'server', names)
    client = makeCertificate(directory, 'client', { altNames: 'DNS:client', authority })
    const htpasswdPath = join(directory, 'htpasswd')
    writeFileSync(htpasswdPath, htpasswd)
    const lock = {
      certificate: server.certificatePath,
      key: server.keyPath,
      htpasswd: htpasswdPath,
    }
    open = await startRegistry(lock)
    closed = await startRegistry({ ...lock, clientAuthority: authority.certificatePath })
    sandbox = createSandbox()
    for (const { port } of [open, closed]) logInto(port)
  })
  after(async () => {
    sandbox?.cleanup()
    await open?.stop()
    await closed?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** As `login` would, which is tried by itself. */
  function logInto(port: number): void {
    const auth = Buffer.from('me:secret-word').toString('base64')
    const path = join(sandbox.directory, `auth-${port}.json`)
    writeFileSync(path, JSON.stringify({ auths: { [`0.0.0.0:${port}`]: { auth } } }))
  }

  /** A directory for --cert-dir: where its files come from, by name. */
  function certDir(name: string, files: Record<string, string>): string {
    const made = join(sandbox.directory, name)
    mkdirSync(made)
    for (const [file, from] of Object.entries(files)) copyFileSync(from, join(made, file))
    return made
  }

  function run(
    { port }: RunningRegistry,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<RunResult> {
    const REGISTRY_AUTH_FILE = join(sandbox.directory, `auth-${port}.json`)
    return sandbox.run(args, { env: { REGISTRY_AUTH_FILE, ...env } })
  }

  function commandsFor({ port }: RunningRegistry): readonly (readonly string[])[] {
    const host = `0.0.0.0:${port}`
    return [
      ['pull', '-q', `${host}/library/busybox`],
      ['push', '-q', `${host}/library/busybox`],
      ['tags', '-q', `${host}/library/busybox`],
      ['manifest', 'inspect', `${host}/library/busybox`],
    ]
  }

  async function allSucceed(registry: RunningRegistry, flags: readonly string[]): Promise<void> {
    for (const command of commandsFor(registry)) {
      const { stderr, exitCode } = await run(registry, [...command, ...flags])
      assert.deepEqual({ stderr, exitCode }, { stderr: '', exitCode: 0 }, command.join(' '))
    }
  }

  async function allFail(
    registry: RunningRegistry,
    flags: readonly string[],
    words: RegExp,
  ): Promise<void> {
    for (const command of commandsFor(registry)) {
      const { stdout, stderr, exitCode } = await run(registry, [...command, ...flags])
      assert.match(stderr, words, command.join(' '))
      assert.match(stderr, new RegExp(`0\\.0\\.0\\.0:${registry.port}`), 'names the registry')
      assert.deepEqual({ stdout, exitCode }, { stdout: '', exitCode: 1 })
    }
  }

  test('is refused until somebody says that the authority can be trusted', async () => {
    await run(open, ['pull', '-q', '--tls-verify=false', `0.0.0.0:${open.port}/library/busybox`])
    const unknown = /certificate/
    await allFail(open, [], unknown)
    await allFail(open, ['--cert-dir', certDir('empty', {})], unknown)
    const other = makeCertificate(directory, 'other', { altNames: 'DNS:other' })
    const wrong = certDir('wrong', { 'ca.crt': other.certificatePath })
    await allFail(open, ['--cert-dir', wrong], unknown)
  })

  test('--cert-dir, --tls-verify=false, --insecure-registry and the environment say so', async () => {
    const right = certDir('right', { 'ca.crt': authority.certificatePath })
    await allSucceed(open, ['--cert-dir', right])
    await allSucceed(open, ['--tls-verify=false'])
    await allSucceed(open, ['--no-tls-verify'])
    const [pull = []] = commandsFor(open)
    const insecure = ['--insecure-registry', `0.0.0.0:${open.port}`, ...pull]
    assert.equal((await run(open, insecure)).exitCode, 0)
    const env = { SSL_CERT_FILE: authority.certificatePath }
    assert.equal((await run(open, pull, env)).exitCode, 0)
  })

  test('a certificate of one’s own is shown from --cert-dir', async () => {
    const right = certDir('both', {
      'ca.crt': authority.certificatePath,
      'client.cert': client.certificatePath,
      'client.key': client.keyPath,
    })
    await allSucceed(closed, ['--cert-dir', right])
    const without = certDir('without', { 'ca.crt': authority.certificatePath })
    const required =
      /alert (certificate required|bad certificate)\nhint: it may want a certificate of yours/
    await allFail(closed, ['--cert-dir', without], required)
    // It was taken for a server of plain HTTP: "400 Bad Request".
    await allFail(closed, ['--tls-verify=false'], required)
  })

  test('login takes --cert-dir', async () => {
    const host = `0.0.0.0:${open.port}`
    const right = certDir('login', { 'ca.crt': authority.certificatePath })
    const login = ['login', '-u', 'me', '--password-stdin', host]
    const logIn = (flags: readonly string[], password: string): Promise<RunResult> =>
      sandbox.run([...login, ...flags], { input: password })
    assert.match((await logIn([], 'secret-word')).stderr, /^tsctr: .*certificate/)
    const wrong = await logIn(['--cert-dir', right], 'wrong')
    assert.equal(wrong.exitCode, 1)
    assert.match((await logIn(['--cert-dir', right], 'secret-word')).stdout, /^Login Succeeded/m)
  })
})
