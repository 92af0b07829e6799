import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { parseReference } from '../../src/oci/reference.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import {
  describe,
  type FakeServer,
  manifestBytes,
  manifestType,
  sendManifest,
  startServer,
  testClient,
} from './fake-registry.ts'

const { digest } = describe(manifestBytes)

let server: FakeServer
let extraServers: FakeServer[]
let client: RegistryClient
let waits: number[]
let lines: string[]

beforeEach(async () => {
  extraServers = []
  server = await startServer((_request, response) => sendManifest(response))
  ;({ client, waits, lines } = testClient())
})

afterEach(async () => {
  client.close()
  await Promise.all([server, ...extraServers].map((running) => running.close()))
})

function image(name = 'app:1'): ReturnType<typeof parseReference> {
  return parseReference(`${server.host}/${name}`)
}

test('a tag resolves to the bytes as sent, their digest, size and media type', async () => {
  const found = await client.resolve(image())
  assert.deepEqual(found.bytes, manifestBytes)
  assert.deepEqual(found.descriptor, {
    mediaType: manifestType,
    digest,
    sizeBytes: manifestBytes.length,
  })
  const [request] = server.requests
  assert.equal(request?.url, '/v2/app/manifests/1')
  assert.equal(request?.headers['user-agent'], 'tsctr/test')
  assert.equal(request?.headers['accept-encoding'], 'identity')
  for (const kind of ['manifest.v1+json', 'index.v1+json', 'manifest.v2+json', 'list.v2+json']) {
    assert.match(request?.headers.accept ?? '', new RegExp(kind.replace('+', '\\+')))
  }
})

test('connections are kept for the next request', async () => {
  const ports = new Set<number | undefined>()
  server.handler = (_request, response) => {
    ports.add(response.req.socket.remotePort)
    sendManifest(response)
  }
  for (let count = 0; count < 4; count += 1) await client.resolve(image())
  assert.equal(ports.size, 1)
})

test('a digest is asked for by itself, and the bytes must have it', async () => {
  assert.equal((await client.resolve(image(`app:1@${digest}`))).descriptor.digest, digest)
  assert.equal(server.requests[0]?.url, `/v2/app/manifests/${digest}`)
  server.handler = (_request, response) => sendManifest(response, Buffer.from('{"other":1}'))
  await assert.rejects(client.resolve(image(`app@${digest}`)), { code: 'DIGEST_MISMATCH' })
})

test('a Docker-Content-Digest that is not of the bytes is refused', async () => {
  server.handler = (_request, response) => {
    response.setHeader('docker-content-digest', `sha256:${'0'.repeat(64)}`)
    sendManifest(response)
  }
  await assert.rejects(client.resolve(image()), { code: 'DIGEST_MISMATCH' })
})

test('a media type that the server does not say is taken from the document', async () => {
  server.handler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(manifestBytes)
  }
  assert.equal((await client.resolve(image())).descriptor.mediaType, manifestType)
})

test('a page of HTML is no manifest', async () => {
  server.handler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>login</html>')
  }
  await assert.rejects(client.resolve(image()), /answer is no manifest/)
})

test('a manifest above 4 MiB is not read to its end', async () => {
  server.handler = (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) {}
    }
    response.writeHead(200, { 'content-type': manifestType })
    response.on('drain', more)
    more()
  }
  await assert.rejects(client.resolve(image()), /longer than 4194304 bytes/)
})

test('fetchManifest checks digest and size', async () => {
  const descriptor = describe(manifestBytes)
  assert.deepEqual(await client.fetchManifest(image(), descriptor), manifestBytes)
  const lie = { ...descriptor, sizeBytes: 7 }
  await assert.rejects(client.fetchManifest(image(), lie), {
    code: 'DIGEST_MISMATCH',
    message: `${server.host}/app@${digest}: expected 7 bytes, got ${manifestBytes.length}`,
  })
})

test('an unknown image is not found, in one line', async () => {
  server.handler = (_request, response) => {
    response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
  }
  await assert.rejects(client.resolve(image('a/b:c')), {
    code: 'NOT_FOUND',
    message: `${server.host}/a/b:c: not found`,
  })
  assert.deepEqual(waits, [])
})

// Fault list, b3 47.
test('the registry’s own words are shown, and cannot speak to the terminal', async () => {
  server.handler = (_request, response) => {
    const errors = [{ code: 'DENIED', message: 'no \u001b[31mred\u001b[0m\nfor you\u202e' }]
    response.writeHead(403).end(JSON.stringify({ errors }))
  }
  await assert.rejects(client.resolve(image()), {
    code: 'UNAUTHORIZED',
    message:
      `${server.host}/app:1: access denied, or no such repository: ` +
      'DENIED: no \\u{1b}[31mred\\u{1b}[0m for you\\u{202e}',
    hint: `tsctr login ${server.host}`,
  })
})

test('an endless error page is cut off', async () => {
  server.handler = (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('<p>no</p>'.repeat(1000))) {}
    }
    response.writeHead(400).on('drain', more)
    more()
  }
  await assert.rejects(client.resolve(image()), {
    message: `${server.host}/app:1: registry ${server.host}: 400 Bad Request`,
  })
})

test('errors that pass are tried again with growing waits', async () => {
  const answers = [500, 502, 503, 429]
  server.handler = (_request, response) => {
    const status = answers.shift()
    if (status === undefined) sendManifest(response)
    else response.writeHead(status).end()
  }
  await client.resolve(image())
  assert.deepEqual(waits, [100, 200, 400, 800])
})

test('five failures are enough', async () => {
  server.handler = (_request, response) => void response.writeHead(503).end()
  await assert.rejects(client.resolve(image()), {
    code: 'UNAVAILABLE',
    message: `${server.host}/app:1: registry ${server.host}: 503 Service Unavailable`,
  })
  assert.equal(server.requests.length, 5)
})

test('Retry-After is obeyed, but not for ever', async () => {
  const answers = ['3', '999999999']
  server.handler = (_request, response) => {
    const after = answers.shift()
    if (after === undefined) response.writeHead(429).end()
    else response.writeHead(429, { 'retry-after': after }).end()
  }
  await assert.rejects(client.resolve(image()), { code: 'UNAVAILABLE' })
  assert.deepEqual(waits, [3000, 57_000])
  assert.equal(server.requests.length, 3)
})

test('a connection that is reset before or during the answer is made again', async () => {
  let count = 0
  server.handler = (_request, response) => {
    count += 1
    if (count === 1) response.req.socket.destroy()
    else if (count === 2) {
      response.writeHead(200, { 'content-type': manifestType, 'content-length': 1000 })
      response.write('{"half"', () => response.req.socket.destroy())
    } else sendManifest(response)
  }
  await client.resolve(image())
  assert.equal(count, 3)
})

test('a registry that is not there is named, with what to check, and not asked again', async () => {
  const reference = image()
  await server.close()
  await assert.rejects(client.resolve(reference), {
    code: 'UNAVAILABLE',
    message: `registry ${server.host}: connect ECONNREFUSED ${server.host}`,
    hint: 'is the registry running, and the port right?',
  })
  assert.deepEqual(waits, [])
})

test('a server that says nothing is given up', async () => {
  client.close()
  ;({ client, waits } = testClient({ idleTimeoutMs: 100 }))
  server.handler = () => {}
  await assert.rejects(client.resolve(image()), {
    code: 'UNAVAILABLE',
    message: `registry ${server.host}: no data for 0.1 s`,
  })
})

test('headers that never end are given up', async () => {
  client.close()
  ;({ client } = testClient({ idleTimeoutMs: 100 }))
  const sockets: Socket[] = []
  const drip = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    // TLS is refused at once, HTTP is answered for ever.
    socket.once('data', (data) => {
      if (data[0] === 0x16) socket.end('no')
      else socket.write('HTTP/1.1 200 OK\r\nX-A: b')
    })
  })
  await once(drip.listen(0, '127.0.0.1'), 'listening')
  const { port } = drip.address() as AddressInfo
  await assert.rejects(client.resolve(parseReference(`127.0.0.1:${port}/a:b`)), /no data for/)
  for (const socket of sockets) socket.destroy()
  drip.close()
})

test('an abort ends what is under way with its own reason', async () => {
  const controller = new AbortController()
  server.handler = () => controller.abort(new Error('user went away'))
  await assert.rejects(client.resolve(image(), controller.signal), /user went away/)
})

test('a redirect to another origin is followed without credentials and own headers', async () => {
  const cdn = await startServer((_request, response) => sendManifest(response))
  extraServers.push(cdn)
  server.handler = (request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
    } else response.writeHead(307, { location: `${cdn.url}/x?signature=abc` }).end()
  }
  client.close()
  ;({ client, lines } = testClient({
    credentials: { find: async () => ({ kind: 'password', username: 'u', secret: 'pw-1' }) },
  }))
  await client.resolve(image())
  assert.equal(cdn.requests[0]?.url, '/x?signature=abc')
  assert.equal(cdn.requests[0]?.headers.authorization, undefined)
  assert.ok(lines.some((line) => line.includes(`${cdn.url}/x?…`)))
  assert.doesNotMatch(lines.join('\n'), /signature|pw-1|dTpwdy0x/)
})

test('redirects within one origin keep the credentials, and may be relative', async () => {
  server.handler = (request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
    } else if (request.url === '/elsewhere') sendManifest(response)
    else response.writeHead(302, { location: '/elsewhere' }).end()
  }
  client.close()
  ;({ client } = testClient({
    credentials: { find: async () => ({ kind: 'password', username: 'u', secret: 'p' }) },
  }))
  await client.resolve(image())
})

for (const [location, why] of [
  ['/v2/app/manifests/1', /more than 10 hops/],
  ['file:///etc/passwd', /to file:/],
  ['http://169.254.169.254/latest', /to 169\.254\.169\.254/],
  ['http://[fe80::1]/x', /to \[fe80::1\]/],
  ['http://user:pw@127.0.0.1/x', /with credentials/],
  ['http://[', /without a usable Location/],
] as const) {
  test(`a redirect to ${location} is refused`, async () => {
    server.handler = (_request, response) => void response.writeHead(307, { location }).end()
    await assert.rejects(client.resolve(image()), (error: Error) => {
      assert.match(error.message, why)
      assert.doesNotMatch(error.message, /pw/)
      return true
    })
  })
}

test('a proxy of the environment serves other hosts, never loopback nor those of NO_PROXY', async () => {
  const proxied: string[] = []
  const proxy = await startServer((request, response) => {
    proxied.push(request.url)
    sendManifest(response)
  })
  extraServers.push(proxy)
  const hosts = mkdtempSync(join(tmpdir(), 'tsctr-hosts-'))
  try {
    mkdirSync(join(hosts, 'reg.example'))
    writeFileSync(join(hosts, 'reg.example', 'hosts.toml'), 'server = "http://reg.example"\n')
    client.close()
    ;({ client } = testClient({ env: { HTTP_PROXY: proxy.url }, hostsDirs: [hosts] }))
    await client.resolve(parseReference('reg.example/app:1'))
    await client.resolve(image())
    assert.deepEqual(proxied, ['http://reg.example/v2/app/manifests/1'])
    client.close()
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: '.example' }
    ;({ client } = testClient({ env, hostsDirs: [hosts] }))
    await assert.rejects(client.resolve(parseReference('reg.example/app:1')), {
      code: 'UNAVAILABLE',
    })
    assert.equal(proxied.length, 1)
  } finally {
    rmSync(hosts, { recursive: true })
  }
})
