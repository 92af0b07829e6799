import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { inspect } from 'node:util'
import { fileCredentials } from '../../src/registry/credential-files.ts'
import type { Credential } from '../../src/registry/credentials.ts'

let root: string
let env: NodeJS.ProcessEnv

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-credentials-'))
  // A runtime directory of its own: root's real one may hold logins.
  env = { HOME: join(root, 'home'), XDG_RUNTIME_DIR: join(root, 'run'), PATH: join(root, 'bin') }
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, content: unknown): void {
  const full = join(root, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content))
}

function auth(text: string): { auth: string } {
  return { auth: Buffer.from(text).toString('base64') }
}

function writeDocker(config: unknown): void {
  write('home/.docker/config.json', config)
}

/** A helper that answers with a line and remembers what it was asked. */
function writeHelper(name: string, line: string, exitCode = 0): void {
  const path = `bin/docker-credential-${name}`
  const script = `#!/bin/sh\n/bin/cat > ${root}/asked\necho '${line}'\nexit ${exitCode}\n`
  write(path, script)
  chmodSync(join(root, path), 0o755)
}

function find(host: string, repository = 'team/app'): Promise<Credential | undefined> {
  return fileCredentials(env).find(host, repository)
}

async function user(host: string, repository?: string): Promise<string | undefined> {
  const credential = await find(host, repository)
  return credential?.kind === 'password' ? credential.username : credential?.kind
}

test('without any file there is nothing', async () => {
  assert.equal(await find('ghcr.io'), undefined)
})

test('auth is base64 of user and password; the password may have colons', async () => {
  writeDocker({ auths: { 'ghcr.io': auth('me:a:b') } })
  assert.deepEqual(await find('ghcr.io'), { kind: 'password', username: 'me', secret: 'a:b' })
  assert.equal(await find('ghcr.io:5000'), undefined)
  assert.equal(await find('evil-ghcr.io'), undefined)
})

test('keys come with scheme, version path, port and in upper case', async () => {
  for (const key of [
    'reg.example',
    'https://reg.example',
    'http://reg.example/',
    'https://reg.example/v1/',
    'https://reg.example/v2/',
    'reg.example:443',
    'REG.example',
  ]) {
    writeDocker({ auths: { [key]: auth('me:pw') } })
    assert.equal(await user('reg.example'), 'me', key)
  }
})

test('all names of Docker Hub are one', async () => {
  for (const key of ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io']) {
    writeDocker({ auths: { [key]: auth('hub:pw') } })
    assert.equal(await user('registry-1.docker.io'), 'hub', key)
    assert.equal(await user('docker.io'), 'hub', key)
  }
})

test('the longest path that covers the repository wins', async () => {
  write('run/containers/auth.json', {
    auths: {
      'quay.io': auth('all:pw'),
      'quay.io/team': auth('team:pw'),
      'quay.io/team/app': auth('app:pw'),
    },
  })
  assert.equal(await user('quay.io', 'team/app'), 'app')
  assert.equal(await user('quay.io', 'team/other'), 'team')
  assert.equal(await user('quay.io', 'teamwork/app'), 'all')
})

test('the first file that has something decides, podman’s before docker’s', async () => {
  write('home/.dockercfg', { 'r.io': auth('oldest:pw') })
  assert.equal(await user('r.io'), 'oldest')
  writeDocker({ auths: { 'r.io': auth('docker:pw') } })
  assert.equal(await user('r.io'), 'docker')
  write('elsewhere/config.json', { auths: { 'r.io': auth('named-dir:pw') } })
  env.DOCKER_CONFIG = join(root, 'elsewhere')
  assert.equal(await user('r.io'), 'named-dir')
  write('home/.config/containers/auth.json', { auths: { 'r.io': auth('user-config:pw') } })
  assert.equal(await user('r.io'), 'user-config')
  write('xdg/containers/auth.json', { auths: { 'r.io': auth('xdg:pw') } })
  env.XDG_CONFIG_HOME = join(root, 'xdg')
  assert.equal(await user('r.io'), 'xdg')
  write('run/containers/auth.json', { auths: { 'other.io': auth('runtime:pw') } })
  assert.equal(await user('r.io'), 'xdg')
  write('run/containers/auth.json', { auths: { 'r.io': auth('runtime:pw') } })
  assert.equal(await user('r.io'), 'runtime')
})

test('a file that the environment names is the only one', async () => {
  writeDocker({ auths: { 'other.io': auth('docker:pw') } })
  write('auth-file', { auths: { 'r.io': auth('named-file:pw') } })
  env.REGISTRY_AUTH_FILE = join(root, 'auth-file')
  assert.equal(await user('r.io'), 'named-file')
  assert.equal(await user('other.io'), undefined)
})

test('tokens are told apart', async () => {
  writeDocker({ auths: { 'r.io': { ...auth('x:y'), identitytoken: 'idt' } } })
  assert.deepEqual(await find('r.io'), { kind: 'identityToken', secret: 'idt' })
  writeDocker({ auths: { 'r.io': { registrytoken: 'rt' } } })
  assert.deepEqual(await find('r.io'), { kind: 'registryToken', secret: 'rt' })
})

test('an empty entry, as a credential store leaves it, is none', async () => {
  writeDocker({ auths: { 'r.io': {} } })
  assert.equal(await find('r.io'), undefined)
  write('run/containers/auth.json', '')
  assert.equal(await find('r.io'), undefined)
})

test('a helper for the host is asked before the store and the file', async () => {
  writeHelper('mine', '{"ServerURL":"r.io","Username":"helped","Secret":"pw"}')
  writeHelper('store', '{"Username":"stored","Secret":"pw"}')
  writeDocker({
    auths: { 'r.io': auth('plain:pw') },
    credHelpers: { 'r.io': 'mine' },
    credsStore: 'store',
  })
  assert.equal(await user('r.io'), 'helped')
  assert.equal(readFileSync(join(root, 'asked'), 'utf8'), 'r.io')
  assert.equal(await user('other.io'), 'stored')
  assert.equal(readFileSync(join(root, 'asked'), 'utf8'), 'other.io')
})

test('a store knows Docker Hub by its old address', async () => {
  writeHelper('store', '{"Username":"hub","Secret":"pw"}')
  writeDocker({ credsStore: 'store' })
  assert.equal(await user('registry-1.docker.io'), 'hub')
  assert.equal(readFileSync(join(root, 'asked'), 'utf8'), 'https://index.docker.io/v1/')
})

test('a helper’s user <token> means an identity token', async () => {
  writeHelper('store', '{"Username":"<token>","Secret":"idt"}')
  writeDocker({ credsStore: 'store' })
  assert.deepEqual(await find('r.io'), { kind: 'identityToken', secret: 'idt' })
})

test('a helper that has nothing leaves the word to the file', async () => {
  writeHelper('store', 'credentials not found in native keychain', 1)
  writeDocker({ credsStore: 'store', auths: { 'r.io': auth('plain:pw') } })
  assert.equal(await user('r.io'), 'plain')
})

test('a helper that fails or is missing is an error that names it', async () => {
  writeHelper('store', 'locked', 2)
  writeDocker({ credsStore: 'store' })
  await assert.rejects(find('r.io'), {
    code: 'RUNTIME_FAILED',
    message: 'docker-credential-store get: exit code 2',
  })
  writeDocker({ credsStore: 'absent' })
  await assert.rejects(find('r.io'), {
    code: 'FAILED_PRECONDITION',
    message: 'docker-credential-absent: program not found',
  })
})

test('a helper’s name cannot be a path', async () => {
  for (const name of ['../../bin/sh', 'a b', 'a;b']) {
    writeDocker({ credsStore: name })
    await assert.rejects(find('r.io'), { code: 'INVALID_ARGUMENT' }, name)
  }
})

test('a malformed file is an error that names it, without its content', async () => {
  for (const content of [
    '{"auths":secret-word',
    '[]',
    '{"auths":[]}',
    '{"auths":{"r.io":"secret-word"}}',
  ]) {
    writeDocker(content)
    await assert.rejects(find('r.io'), (error: Error) => {
      assert.ok(error.message.startsWith(join(root, 'home/.docker/config.json')), content)
      assert.doesNotMatch(inspect(error), /secret-word/)
      return true
    })
  }
  writeDocker({ auths: { 'r.io': { auth: Buffer.from('no-colon-here').toString('base64') } } })
  await assert.rejects(find('r.io'), /auth is not base64 of user:password$/)
})

test('keys like __proto__ are hosts like any other', async () => {
  writeDocker('{"auths":{"__proto__":{"auth":"bWU6cHc="}}}')
  assert.equal(await user('constructor'), undefined)
  assert.equal(await user('__proto__'), 'me')
})
