import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseReference } from '../../src/oci/reference.ts'
import type { Endpoint } from '../../src/registry/endpoint.ts'
import { endpointsFor } from '../../src/registry/endpoints.ts'
import { registriesFiles } from '../../src/registry/registries-files.ts'
import {
  describe as describeBlob,
  manifestBytes,
  passwordFor,
  sendManifest,
  startServer,
  testClient,
} from './fake-registry.ts'

let root: string
let files: string[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-registries-'))
  files = []
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(name: string, text: string): string {
  const path = join(root, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

function configure(text: string): void {
  files.push(write(`${files.length}.conf`, text))
}

function endpoints(name: string, hostsDirs = [join(root, 'hosts')]): Promise<readonly Endpoint[]> {
  const options = { hostsDirs, registriesFiles: files, insecureRegistries: [] }
  return endpointsFor(parseReference(name), options)
}

/** `host/repository` of each server, in order. */
async function places(name: string): Promise<string[]> {
  return (await endpoints(name)).map(({ host, repository }) => `${host}/${repository}`)
}

const digest = `@sha256:${'ab'.repeat(32)}`

test('mirrors come in their order, then the registry, and none is told whom it stands for', async () => {
  configure(`
    unqualified-search-registries = ["elsewhere.example"]
    [[registry]]
    location = "docker.io"
    [[registry.mirror]]
    location = "a.example:5000"
    insecure = true
    [[registry.mirror]]
    location = "b.example/hub"
  `)
  assert.deepEqual(await places('redis'), [
    'a.example:5000/library/redis',
    'b.example/hub/library/redis',
    'registry-1.docker.io/library/redis',
  ])
  const found = await endpoints('redis')
  assert.deepEqual(
    found.map(({ mayBePlain, tls }) => [mayBePlain, tls.skipsVerify]),
    [
      [true, true],
      [false, false],
      [false, false],
    ],
  )
  assert.ok(found.every(({ namespace }) => namespace === undefined))
  const takesPushes = found.map(({ capabilities }) => capabilities.has('push'))
  assert.deepEqual(takesPushes, [false, false, true])
  assert.deepEqual(await places('quay.io/a/b'), ['quay.io/a/b'])
})

test('the longest prefix counts, and its location takes its place', async () => {
  configure(`
    [[registry]]
    prefix = "r.io"
    location = "all.example"
    [[registry]]
    prefix = "r.io/team"
    location = "team.example/mirror"
    [[registry]]
    prefix = "*.corp.example"
    location = "corp.example/proxy"
  `)
  assert.deepEqual(await places('r.io/other/app'), ['all.example/other/app'])
  assert.deepEqual(await places('r.io/team/app'), ['team.example/mirror/app'])
  assert.deepEqual(await places('r.io/teamwork'), ['all.example/teamwork'])
  assert.deepEqual(await places('a.b.corp.example/x/y'), ['corp.example/proxy/x/y'])
  assert.deepEqual(await places('corp.example/x'), ['corp.example/x'])
  assert.deepEqual(await places('r.io:5000/app'), ['r.io:5000/app'])
})

test('mirrors may be for digests or for tags only', async () => {
  configure(`
    [[registry]]
    location = "r.io"
    [[registry.mirror]]
    location = "digests.example"
    pull-from-mirror = "digest-only"
    [[registry.mirror]]
    location = "tags.example"
    pull-from-mirror = "tag-only"
    [[registry]]
    location = "s.io"
    mirror-by-digest-only = true
    [[registry.mirror]]
    location = "m.example"
  `)
  assert.deepEqual(await places('r.io/a'), ['tags.example/a', 'r.io/a'])
  assert.deepEqual(await places(`r.io/a${digest}`), ['digests.example/a', 'r.io/a'])
  assert.deepEqual(await places('s.io/a'), ['s.io/a'])
  assert.deepEqual(await places(`s.io/a:1${digest}`), ['m.example/a', 's.io/a'])
})

test('a blocked registry is refused, with the file that says so', async () => {
  configure('[[registry]]\nlocation = "bad.example"\nblocked = true')
  await assert.rejects(endpoints('bad.example/app'), {
    code: 'FAILED_PRECONDITION',
    message: 'registry bad.example: blocked',
    hint: `see ${join(root, '0.conf')}`,
  })
})

test('a later file replaces tables of the same prefix only', async () => {
  configure('[[registry]]\nlocation = "a.io"\nblocked = true\n[[registry]]\nlocation = "b.io"')
  configure('[[registry]]\nprefix = "a.io"\nlocation = "c.io"')
  assert.deepEqual(await places('a.io/x'), ['c.io/x'])
  assert.deepEqual(await places('b.io/x'), ['b.io/x'])
})

test('the form before [[registry]] says what is insecure and what is blocked', async () => {
  configure(`
    [registries.search]
    registries = ["docker.io"]
    [registries.insecure]
    registries = ["lab.example:5000"]
    [registries.block]
    registries = ["bad.example"]
  `)
  assert.equal((await endpoints('lab.example:5000/a'))[0]?.mayBePlain, true)
  await assert.rejects(endpoints('bad.example/a'), /blocked/)
})

test('a hosts.toml for the registry is all that counts; certificates of docker’s are used', async () => {
  configure(`
    [[registry]]
    location = "r.io"
    [[registry.mirror]]
    location = "m.example:5000"
  `)
  write('hosts/m.example:5000/ca.crt', 'CA')
  const [mirror] = await endpoints('r.io/a')
  assert.deepEqual(mirror?.tls.cas, ['CA'])
  write('hosts/r.io/hosts.toml', '[host."https://other.example"]')
  assert.deepEqual(await places('r.io/a'), ['other.example/a', 'r.io/a'])
})

test('what cannot be understood is named with its file', async () => {
  for (const [text, why] of [
    ['[[registry]', /0\.conf: Invalid TOML/],
    ['[[registry]]\nblocked = true', /0\.conf: registry: has neither prefix nor location/],
    ['[[registry]]\nprefix = "a.io"', /registry "a\.io": has no location/],
    ['[[registry]]\nlocation = "https://a.io"', /must be without http:\/\/ or https:\/\//],
    ['[[registry]]\nlocation = "a b"', /"a b" has no host/],
    ['[[registry]]\nlocation = "a.io"\ninsecure = "yes"', /insecure must be true or false/],
    ['[[registry]]\nlocation = "a.io"\n[[registry.mirror]]', /mirror: has no location/],
    [
      '[[registry]]\nlocation = "a.io"\n[[registry.mirror]]\nlocation = "b.io"\npull-from-mirror = "x"',
      /"x" is not one of all, digest-only, tag-only/,
    ],
    ['registry = 7', /registry must be \[\[registry\]\]/],
  ] as const) {
    files = []
    configure(text)
    await assert.rejects(endpoints('a.io/x'), why, text)
  }
})

test('files are podman’s: the machine’s or the user’s own, then drop-ins by name', () => {
  const system = join(root, 'etc')
  const home = join(root, 'home')
  const user = join(home, '.config/containers')
  const env = { HOME: home }
  assert.deepEqual(registriesFiles(env, system), [join(system, 'registries.conf')])
  write('etc/registries.conf.d/20-b.conf', '')
  write('etc/registries.conf.d/10-a.conf', '')
  write('etc/registries.conf.d/README', '')
  write('home/.config/containers/registries.conf.d/u.conf', '')
  const dropIns = ['10-a.conf', '20-b.conf'].map((name) => join(system, 'registries.conf.d', name))
  const own = join(user, 'registries.conf.d/u.conf')
  assert.deepEqual(registriesFiles(env, system), [join(system, 'registries.conf'), ...dropIns, own])
  const named = { ...env, CONTAINERS_REGISTRIES_CONF: '/named' }
  assert.deepEqual(registriesFiles(named, system), ['/named', ...dropIns, own])
  write('home/.config/containers/registries.conf', '')
  assert.deepEqual(registriesFiles(env, system), [join(user, 'registries.conf'), own])
})

describe('a pull by way of registries.conf', () => {
  test('asks for what the repository is called there, token and login included', async () => {
    const mirror = await startServer((request, response) => {
      const url = new URL(request.url, mirror.url)
      if (url.pathname === '/token') response.end('{"token":"t"}')
      else if (request.headers.authorization === 'Bearer t') sendManifest(response)
      else {
        const challenge = `Bearer realm="${mirror.url}/token",service="s"`
        response.writeHead(401, { 'www-authenticate': challenge }).end()
      }
    })
    configure(`
      [[registry]]
      location = "docker.io/library"
      [[registry.mirror]]
      location = "${mirror.host}/hub/official"
      insecure = true
    `)
    const credentials = passwordFor(mirror.host)
    const { client } = testClient({ registriesFiles: files, credentials })
    try {
      const image = parseReference('redis:alpine')
      assert.deepEqual((await client.resolve(image)).bytes, manifestBytes)
      await client.fetchManifest(image, describeBlob(manifestBytes))
      const asked = mirror.requests.map(({ url }) => url).filter((url) => url !== '/v2/')
      assert.equal(asked[0], '/v2/hub/official/redis/manifests/alpine')
      const { body } = mirror.requests.find(({ url }) => url === '/token') ?? { body: '' }
      assert.equal(new URLSearchParams(body).get('scope'), 'repository:hub/official/redis:pull')
    } finally {
      client.close()
      await mirror.close()
    }
  })
})
