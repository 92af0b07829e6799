import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Endpoint } from '../../src/registry/endpoint.ts'
import { endpointsFor } from '../../src/registry/endpoints.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-hosts-'))
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(directory: string, text: string, name = 'hosts.toml'): void {
  mkdirSync(join(root, directory), { recursive: true })
  writeFileSync(join(root, directory, name), text)
}

function endpoints(registry: string, insecure: string[] = []): Promise<readonly Endpoint[]> {
  const target = { registry, repository: 'app', digest: undefined }
  const options = { hostsDirs: [root], registriesFiles: [], insecureRegistries: insecure }
  return endpointsFor(target, options)
}

async function bases(registry: string): Promise<string[]> {
  return (await endpoints(registry)).map(({ base }) => base.href)
}

test('without configuration a registry answers for itself, over TLS', async () => {
  const [only, ...others] = await endpoints('ghcr.io')
  assert.deepEqual(others, [])
  assert.equal(only?.base.href, 'https://ghcr.io/v2')
  assert.equal(only?.namespace, undefined)
  assert.equal(only?.mayBePlain, false)
  assert.equal(only?.tls.skipsVerify, false)
  assert.deepEqual([...(only?.capabilities ?? [])], ['pull', 'resolve', 'push'])
})

test('docker.io is at registry-1.docker.io', async () => {
  const [only] = await endpoints('docker.io')
  assert.equal(only?.base.href, 'https://registry-1.docker.io/v2')
  assert.equal(only?.namespace, undefined)
})

test('only loopback and registries named insecure may speak plain HTTP', async () => {
  const plain = async (registry: string): Promise<boolean | undefined> =>
    (await endpoints(registry, ['lab.example:5000']))[0]?.mayBePlain
  for (const host of ['localhost', 'localhost:5000', '127.0.0.1:5000', '127.9.9.9', '[::1]:5000']) {
    assert.equal(await plain(host), true, host)
  }
  assert.equal(await plain('lab.example:5000'), true)
  for (const host of ['lab.example', 'localhost.example', '128.0.0.1', '[::2]:5000']) {
    assert.equal(await plain(host), false, host)
  }
})

test('mirrors come in their order, then the registry; mirrors learn whom they stand for', async () => {
  write(
    'docker.io',
    `
    server = "https://registry-1.docker.io"
    [host."https://b.example"]
    [host."http://a.example:5000"]
      capabilities = ["pull"]
    [host."c.example"]
    `,
  )
  assert.deepEqual(await bases('docker.io'), [
    'https://b.example/v2',
    'http://a.example:5000/v2',
    'https://c.example/v2',
    'https://registry-1.docker.io/v2',
  ])
  const found = await endpoints('docker.io')
  assert.deepEqual(
    found.map(({ namespace }) => namespace),
    ['docker.io', 'docker.io', 'docker.io', undefined],
  )
  assert.deepEqual([...(found[1]?.capabilities ?? [])], ['pull'])
})

test('a server elsewhere learns whom it stands for', async () => {
  write('quay.io', 'server = "https://cache.example"')
  const [only] = await endpoints('quay.io')
  assert.equal(only?.base.href, 'https://cache.example/v2')
  assert.equal(only?.namespace, 'quay.io')
})

test('a server that is among the mirrors is asked once', async () => {
  write('quay.io', 'server = "https://m.example"\n[host."https://m.example/"]')
  assert.deepEqual(await bases('quay.io'), ['https://m.example/v2'])
})

test('a path is kept before /v2, or is all with override_path', async () => {
  write(
    'r.io',
    `
    [host."https://m.example/cache"]
    [host."https://m.example/v2"]
    [host."https://m.example/v2/prefix"]
      override_path = true
    `,
  )
  assert.deepEqual((await bases('r.io')).slice(0, 3), [
    'https://m.example/cache/v2',
    'https://m.example/v2',
    'https://m.example/v2/prefix',
  ])
})

test('headers, authorities, client certificates and skip_verify are read', async () => {
  write(
    'r.io',
    `
    skip_verify = true
    [host."https://m.example"]
      ca = "ca.pem"
      client = [["me.cert", "me.key"]]
      [host."https://m.example".header]
        x-one = "1"
        x-two = ["a", "b"]
    [host."https://n.example"]
      ca = ["ca.pem", "${join(root, 'abs.pem')}"]
      client = "both.pem"
    `,
  )
  for (const name of ['ca.pem', 'me.cert', 'me.key', 'both.pem']) write('r.io', name, name)
  writeFileSync(join(root, 'abs.pem'), 'abs.pem')
  const [m, n, server] = await endpoints('r.io')
  assert.deepEqual({ ...m?.headers }, { 'x-one': '1', 'x-two': 'a, b' })
  assert.deepEqual(m?.tls, {
    cas: ['ca.pem'],
    clientCertificate: { cert: 'me.cert', key: 'me.key' },
    skipsVerify: false,
  })
  assert.deepEqual(n?.tls.cas, ['ca.pem', 'abs.pem'])
  assert.deepEqual(n?.tls.clientCertificate, { cert: 'both.pem', key: 'both.pem' })
  assert.equal(server?.tls.skipsVerify, true)
  assert.equal(server?.mayBePlain, false)
})

test('directories are found by host_port_, host:port, the host alone for 443, and _default', async () => {
  const mirrorOf = async (registry: string): Promise<string | undefined> =>
    (await bases(registry)).at(-2)
  write('_default', '[host."https://default.example"]')
  assert.equal(await mirrorOf('r.io:5000'), 'https://default.example/v2')
  write('r.io', '[host."https://plain.example"]')
  assert.equal(await mirrorOf('r.io:5000'), 'https://default.example/v2')
  assert.equal(await mirrorOf('r.io:443'), 'https://plain.example/v2')
  write('r.io:5000', '[host."https://colon.example"]')
  assert.equal(await mirrorOf('r.io:5000'), 'https://colon.example/v2')
  write('r.io_5000_', '[host."https://underscore.example"]')
  assert.equal(await mirrorOf('r.io:5000'), 'https://underscore.example/v2')
})

test('a directory of the name in any hosts directory comes before any _default', async () => {
  write('first/_default', '[host."https://default.example"]')
  write('second/r.io', '[host."https://named.example"]')
  const hostsDirs = [join(root, 'absent'), join(root, 'first'), join(root, 'second')]
  const target = { registry: 'r.io', repository: 'app', digest: undefined }
  const options = { hostsDirs, registriesFiles: [], insecureRegistries: [] }
  const [mirror] = await endpointsFor(target, options)
  assert.equal(mirror?.host, 'named.example')
})

test('a directory as docker has it gives authorities and a client certificate', async () => {
  write('r.io', 'CA', 'ca.crt')
  write('r.io', 'CERT', 'client.cert')
  write('r.io', 'KEY', 'client.key')
  const [only] = await endpoints('r.io')
  assert.deepEqual(only?.tls, {
    cas: ['CA'],
    clientCertificate: { cert: 'CERT', key: 'KEY' },
    skipsVerify: false,
  })
})

test('a directory of certificates is for the registry, not for its mirrors, and counts on loopback', async () => {
  write('127.0.0.1:5000', '[host."https://mirror.example"]')
  write('certs', 'CA', 'ca.crt')
  const target = { registry: '127.0.0.1:5000', repository: 'app', digest: undefined }
  const common = { hostsDirs: [root], registriesFiles: [], certDir: join(root, 'certs') }
  const [mirror, own] = await endpointsFor(target, { ...common, insecureRegistries: [] })
  assert.deepEqual(mirror?.tls.cas, [])
  assert.deepEqual([own?.tls.cas, own?.tls.skipsVerify, own?.mayBePlain], [['CA'], false, false])
  const insecureRegistries = ['127.0.0.1:5000']
  const [, insecure] = await endpointsFor(target, { ...common, insecureRegistries })
  assert.equal(insecure?.tls.skipsVerify, true)
})

test('what cannot be understood is named with its file', async () => {
  for (const [text, why] of [
    ['server = ', /hosts\.toml: Invalid TOML/],
    ['server = 7', /hosts\.toml: server: server must be a string/],
    ['host = "x"', /hosts\.toml: host: must be an object/],
    ['[host."https://m"]\ncapabilities = ["pul"]', /"pul" is not one of pull, resolve, push/],
    ['[host."https://m"]\nca = 7', /ca: must be a string or a list of strings/],
    ['[host."https://m"]\nca = "absent.pem"', /absent\.pem: no such file/],
    ['[host."https://m"]\nskip_verify = "yes"', /skip_verify must be true or false/],
    ['[host."https://m"]\nclient = []', /client: /],
    ['[host."https://"]', /bad URL/],
  ] as const) {
    write('r.io', text)
    await assert.rejects(endpoints('r.io'), why, text)
  }
})
