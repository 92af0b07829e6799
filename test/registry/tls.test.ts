import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { parseReference } from '../../src/oci/reference.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import { needsPrograms } from '../helpers/capabilities.ts'
import { type FakeServer, sendManifest, startServer, testClient } from './fake-registry.ts'

const skip = needsPrograms('openssl')

let root: string
let server: FakeServer
let client: RegistryClient

before(async () => {
  if (skip !== false) return
  root = mkdtempSync(join(tmpdir(), 'tsctr-tls-'))
  makeCertificate('good', 'DNS:reg.example,IP:127.0.0.1', '30')
  server = await startServer((_request, response) => sendManifest(response), pair('good'))
})

afterEach(() => client?.close())

after(async () => {
  if (skip !== false) return
  await server.close()
  rmSync(root, { recursive: true, force: true })
})

function makeCertificate(name: string, altNames: string, days: string): void {
  const files = ['-keyout', join(root, `${name}.key`), '-out', join(root, `${name}.crt`)]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${altNames}`, '-days', days]
  execFileSync('openssl', ['req', '-x509', ...key, ...files, ...subject], { stdio: 'ignore' })
}

function pair(name: string): { key: string; cert: string } {
  const read = (kind: string): string => readFileSync(join(root, `${name}.${kind}`), 'utf8')
  return { key: read('key'), cert: read('crt') }
}

/** A registry name that hosts.toml sends to the server: its own address would be loopback's. */
function useServer(target: FakeServer, settings: string): void {
  const directory = join(root, 'hosts', 'reg.example')
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'hosts.toml'), `server = "${target.url}"\n${settings}\n`)
  ;({ client } = testClient({ hostsDirs: [join(root, 'hosts')] }))
}

const image = parseReference('reg.example/app:1')

test('an authority that nobody knows is refused, with what to do', { skip }, async () => {
  useServer(server, '')
  await assert.rejects(client.resolve(image), {
    code: 'UNAVAILABLE',
    message: new RegExp(`^registry ${server.host}: self-signed certificate`),
    hint: 'trust its authority with `ca` in hosts.toml, or in the system bundle',
  })
  assert.equal(server.requests.length, 0)
})

test('an authority that hosts.toml names is trusted', { skip }, async () => {
  useServer(server, `ca = "${join(root, 'good.crt')}"`)
  await client.resolve(image)
})

test('skip_verify trusts whoever answers', { skip }, async () => {
  useServer(server, 'skip_verify = true')
  await client.resolve(image)
})

test('a loopback registry may show any certificate', { skip }, async () => {
  ;({ client } = testClient())
  await client.resolve(parseReference(`${server.host}/app:1`))
})

test('a certificate for another name is refused', { skip }, async () => {
  makeCertificate('other', 'DNS:other.example', '30')
  const other = await startServer((_request, response) => sendManifest(response), pair('other'))
  try {
    useServer(other, `ca = "${join(root, 'other.crt')}"`)
    await assert.rejects(client.resolve(image), /does not match certificate's altnames/)
  } finally {
    await other.close()
  }
})

test('a plain server where TLS is expected is explained', { skip }, async () => {
  const plain = await startServer((_request, response) => sendManifest(response))
  try {
    useServer({ ...plain, url: plain.url.replace('http:', 'https:') }, '')
    await assert.rejects(client.resolve(image), {
      code: 'UNAVAILABLE',
      message: `registry ${plain.host}: TLS: wrong version number`,
      hint: 'does it speak plain HTTP? then name it in hosts.toml as http://…',
    })
  } finally {
    await plain.close()
  }
})

test('a redirect from TLS to plain HTTP is refused', { skip }, async () => {
  const plain = await startServer((_request, response) => sendManifest(response))
  const secure = await startServer(
    (_request, response) => void response.writeHead(307, { location: plain.url }).end(),
    pair('good'),
  )
  try {
    useServer(secure, `ca = "${join(root, 'good.crt')}"`)
    await assert.rejects(client.resolve(image), /redirect refused: from https to http:/)
    assert.equal(plain.requests.length, 0)
  } finally {
    await plain.close()
    await secure.close()
  }
})

test('a client certificate is shown to the host it is for, not to where that redirects', {
  skip,
}, async () => {
  makeCertificate('me', 'DNS:me', '30')
  const shown: (string | undefined)[] = []
  const tls = { ...pair('good'), requestCert: true, rejectUnauthorized: false }
  const asking = await startServer((_request, response) => {
    const socket = response.req.socket as TLSSocket
    shown.push(socket.getPeerCertificate().subject?.CN as string | undefined)
    if (shown.length > 1) sendManifest(response)
    else {
      const location = asking.url.replace('127.0.0.1', 'localhost')
      response.writeHead(307, { location }).end()
    }
  }, tls)
  try {
    const certificate = `client = [["${join(root, 'me.crt')}", "${join(root, 'me.key')}"]]`
    useServer(asking, `skip_verify = true\n${certificate}`)
    await client.resolve(image)
    assert.deepEqual(shown, ['me', undefined])
  } finally {
    await asking.close()
  }
})
