import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { locateLogin } from '../../src/registry/credential-files.ts'
import type { ProvableLogin } from '../../src/registry/credentials.ts'
import { eraseCredential, saveCredential } from '../../src/registry/save-credential.ts'

let root: string
let env: NodeJS.ProcessEnv
let path: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-login-'))
  env = { HOME: root, XDG_RUNTIME_DIR: join(root, 'run'), PATH: join(root, 'bin') }
  path = join(root, '.docker/config.json')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function login(username: string, secret = 'pw'): ProvableLogin {
  return { username, credential: { kind: 'password', username, secret } }
}

function write(config: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify(config))
}

function saved(): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** A helper that keeps what it was told, a file for each action. */
function writeHelper(name: string, script = 'exit 0'): void {
  mkdirSync(join(root, 'bin'), { recursive: true })
  const program = join(root, 'bin', `docker-credential-${name}`)
  writeFileSync(program, `#!/bin/sh\n/bin/cat > ${root}/$1\n${script}\n`)
  chmodSync(program, 0o755)
}

function told(action: string): string {
  return readFileSync(join(root, action), 'utf8')
}

test('a first login makes the file, for its owner alone', async () => {
  assert.deepEqual(await saveCredential('r.io', login('me', 'a:b'), env), { path, isInFile: true })
  assert.deepEqual(saved(), { auths: { 'r.io': { auth: 'bWU6YTpi' } } })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(dirname(path)), ['config.json'])
  assert.deepEqual((await locateLogin('r.io', 'any/app', env))?.login, login('me', 'a:b'))
})

test('other keys and other logins stay, and what was open to others is closed', async () => {
  const others = { HttpHeaders: { a: 'b' }, psFormat: 'table', auths: { 'o.io': { auth: 'eDp5' } } }
  write(others)
  chmodSync(path, 0o644)
  await saveCredential('r.io', login('me'), env)
  assert.deepEqual(saved(), {
    ...others,
    auths: { ...others.auths, 'r.io': { auth: 'bWU6cHc=' } },
  })
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('Docker Hub is kept under its old address, which replaces its other names', async () => {
  write({ auths: { 'docker.io': { auth: 'b2xkOnB3' }, 'https://index.docker.io/v2/': {} } })
  await saveCredential('docker.io', login('hub'), env)
  assert.deepEqual(saved().auths, { 'https://index.docker.io/v1/': { auth: 'aHViOnB3' } })
})

test('a login replaces the one under another form of the key, not those for a path', async () => {
  write({ auths: { 'https://r.io/v1/': { auth: 'b2xkOnB3' }, 'r.io/team': { auth: 'dDpw' } } })
  await saveCredential('r.io', login('new'), env)
  assert.deepEqual(Object.keys(saved().auths as object), ['r.io/team', 'r.io'])
})

test('an identity token is kept in place of the password', async () => {
  const credential = { kind: 'identityToken', secret: 'idt' } as const
  await saveCredential('r.io', { username: 'me', credential }, env)
  assert.deepEqual(saved().auths, { 'r.io': { auth: 'bWU6', identitytoken: 'idt' } })
  const found = await locateLogin('r.io', '', env)
  assert.deepEqual(found?.login, { username: 'me', credential })
})

test('a store gets the secret, and the file only the registry’s name', async () => {
  writeHelper('store')
  write({ credsStore: 'store' })
  assert.equal((await saveCredential('docker.io', login('hub'), env)).isInFile, false)
  const entry = { ServerURL: 'https://index.docker.io/v1/', Username: 'hub', Secret: 'pw' }
  assert.deepEqual(JSON.parse(told('store')), entry)
  assert.deepEqual(saved(), { credsStore: 'store', auths: { 'https://index.docker.io/v1/': {} } })
  const credential = { kind: 'identityToken', secret: 'idt' } as const
  await saveCredential('r.io', { username: 'me', credential }, env)
  assert.deepEqual(JSON.parse(told('store')), {
    ServerURL: 'r.io',
    Username: '<token>',
    Secret: 'idt',
  })
})

test('a helper for the registry comes before the store', async () => {
  writeHelper('mine')
  write({ credsStore: 'absent', credHelpers: { 'r.io': 'mine' } })
  await saveCredential('r.io', login('me'), env)
  assert.equal(JSON.parse(told('store')).ServerURL, 'r.io')
})

test('a helper that fails leaves the file as it was', async () => {
  writeHelper('store', 'exit 3')
  write({ credsStore: 'store' })
  await assert.rejects(saveCredential('r.io', login('me'), env), (error: Error) => {
    assert.match(error.message, /^docker-credential-store store: exit code 3/)
    return true
  })
  assert.deepEqual(saved(), { credsStore: 'store' })
  assert.deepEqual(readdirSync(dirname(path)), ['config.json'])
})

test('REGISTRY_AUTH_FILE names the file', async () => {
  const named = join(root, 'auth.json')
  await saveCredential('r.io', login('me'), { ...env, REGISTRY_AUTH_FILE: named })
  assert.ok(existsSync(named))
  assert.ok(!existsSync(path))
})

test('a link to the file stays one', async () => {
  write({})
  const real = join(root, 'real.json')
  writeFileSync(real, '{}')
  rmSync(path)
  symlinkSync(real, path)
  await saveCredential('r.io', login('me'), env)
  assert.ok(lstatSync(path).isSymbolicLink())
  assert.match(readFileSync(real, 'utf8'), /bWU6cHc=/)
})

test('logins at once are all kept', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `r${index}.io`)
  await Promise.all(names.map((name) => saveCredential(name, login('me'), env)))
  assert.deepEqual(Object.keys(saved().auths as object).sort(), names.sort())
})

test('a file that cannot be understood is not written over', async () => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '{"auths": ')
  await assert.rejects(saveCredential('r.io', login('me'), env), { code: 'INVALID_ARGUMENT' })
  assert.equal(readFileSync(path, 'utf8'), '{"auths": ')
})

test('logout forgets all forms of the key, and nothing else', async () => {
  const other = { 'o.io': { auth: 'eDp5' }, 'r.io/team': { auth: 'eDp5' } }
  write({ a: 1, auths: { ...other, 'r.io': {}, 'https://r.io': {}, 'http://r.io/v1/': {} } })
  await eraseCredential('r.io', env)
  assert.deepEqual(saved(), { a: 1, auths: other })
})

test('logout where there is nothing makes no file, and leaves one alone', async () => {
  await eraseCredential('r.io', env)
  assert.ok(!existsSync(path))
  writeHelper('store', 'echo credentials not found in native keychain; exit 1')
  write({ credsStore: 'store' })
  const before = statSync(path).ino
  await eraseCredential('r.io', env)
  assert.equal(told('erase'), 'r.io')
  assert.equal(statSync(path).ino, before)
})
